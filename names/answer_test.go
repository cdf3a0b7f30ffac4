package names

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// testServer is authoritative for strata.test, with a wildcard, a name that is
// not the wildcard's, one that has only a name below it, one with many
// addresses, and one of another zone.
func testServer(t testing.TB) *Server {
	t.Helper()
	table := &Table{}
	two, two6 := netip.MustParseAddr("10.77.0.2"), netip.MustParseAddr("fd77::2")
	require.NoError(t, table.Add("strata.test", two, two6))
	require.NoError(t, table.Add("*.strata.test", two, two6))
	require.NoError(t, table.Add("four.strata.test", netip.MustParseAddr("10.77.0.4")))
	require.NoError(t, table.Add("host.empty.strata.test", two6))
	require.NoError(t, table.Add("elsewhere.example", two, netip.MustParseAddr("10.77.0.9")))
	for i, a := 0, netip.MustParseAddr("10.78.0.1"); i < 256; i, a = i+1, a.Next() {
		require.NoError(t, table.Add("many.strata.test", a))
	}
	s, err := NewServer(ServerConfig{Zone: "Strata.Test.", Table: table, TTL: 300 * time.Second, Logf: t.Logf})
	require.NoError(t, err)
	return s
}

func query(name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	q.Id = 0x1234
	return q
}

// reply packs q, and unpacks what is answered to it.
func reply(t testing.TB, s *Server, q *dns.Msg, over transport) *dns.Msg {
	t.Helper()
	packed, err := q.Pack()
	require.NoError(t, err)
	answer := s.answer(packed, over)
	require.NotNil(t, answer, "silence")
	r := new(dns.Msg)
	require.NoError(t, r.Unpack(answer))
	require.True(t, r.Response)
	require.Equal(t, q.Id, r.Id)
	require.False(t, r.RecursionAvailable)
	return r
}

// short is a record in the words of dig +short.
func short(records []dns.RR) []string {
	out := []string{}
	for _, rr := range records {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return out
}

func TestAnswers(t *testing.T) {
	s := testServer(t)
	const ok, missing, refused = dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeRefused
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		want  []string
	}{
		{"strata.test", dns.TypeA, ok, []string{"10.77.0.2"}},
		{"STRATA.test", dns.TypeAAAA, ok, []string{"fd77::2"}},
		{"a.b.strata.test", dns.TypeA, ok, []string{"10.77.0.2"}},
		{"2.0.77.10.in-addr.arpa", dns.TypePTR, ok, []string{"strata.test."}},
		{"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa", dns.TypePTR, ok, []string{"strata.test.", "host.empty.strata.test."}},
		{"strata.test", dns.TypeNS, ok, []string{"strata.test."}},
		{"strata.test", dns.TypeANY, ok, []string{`"RFC8482" ""`}},
		{"x.strata.test", dns.TypeANY, ok, []string{`"RFC8482" ""`}},
		{"4.0.77.10.in-addr.arpa", dns.TypeANY, ok, []string{`"RFC8482" ""`}},
		{"4.0.77.10.in-addr.arpa", dns.TypeNS, ok, []string{"strata.test."}},

		// NODATA: the name exists, with other types.
		{"strata.test", dns.TypeMX, ok, nil},
		{"four.strata.test", dns.TypeAAAA, ok, nil},
		{"four.strata.test", dns.TypeNS, ok, nil},
		{"empty.strata.test", dns.TypeA, ok, nil}, // it exists because of what is below it
		{"empty.strata.test", dns.TypeANY, ok, nil},
		{"4.0.77.10.in-addr.arpa", dns.TypeA, ok, nil},
		// NXDOMAIN: it does not, and no wildcard covers it.
		{"a.four.strata.test", dns.TypeA, missing, nil},
		{"other.empty.strata.test", dns.TypeANY, missing, nil},

		// Somebody else's.
		{"test", dns.TypeA, refused, nil},
		{".", dns.TypeNS, refused, nil},
		{"elsewhere.example", dns.TypeA, refused, nil},
		{"xstrata.test", dns.TypeA, refused, nil},
		{`a\.strata.test`, dns.TypeA, refused, nil},           // one label "a.strata"
		{"9.0.77.10.in-addr.arpa", dns.TypePTR, refused, nil}, // its name is
		{"0.77.10.in-addr.arpa", dns.TypeSOA, refused, nil},
		{"1.2.0.77.10.in-addr.arpa", dns.TypePTR, refused, nil},
		// Not to be had.
		{"strata.test", dns.TypeAXFR, refused, nil},
		{"strata.test", dns.TypeIXFR, refused, nil},
	} {
		about := fmt.Sprintf("%s %s", c.name, dns.TypeToString[c.qtype])
		for _, over := range []transport{overUDP, overTCP} {
			r := reply(t, s, query(c.name, c.qtype), over)
			require.Equal(t, dns.RcodeToString[c.rcode], dns.RcodeToString[r.Rcode], about)
			require.Equal(t, c.rcode != refused, r.Authoritative, about)
			require.Equal(t, append([]string{}, c.want...), short(r.Answer), about)
			require.False(t, r.Truncated, about)
			require.Equal(t, query(c.name, c.qtype).Question, r.Question, "%s: the question comes back as it was written", about)
			for _, rr := range r.Answer {
				require.Equal(t, r.Question[0].Name, rr.Header().Name, about)
				require.EqualValues(t, 300, rr.Header().Ttl, about)
			}
			// A negative answer says for how long it can be kept; and whose it is.
			if c.rcode == refused || len(c.want) > 0 {
				require.Empty(t, r.Ns, about)
				continue
			}
			require.Len(t, r.Ns, 1, about)
			soa := r.Ns[0].(*dns.SOA)
			require.EqualValues(t, 300, soa.Minttl, about)
			require.EqualValues(t, 300, soa.Hdr.Ttl, about)
			if strings.HasSuffix(c.name, ".arpa") {
				require.Equal(t, c.name+".", soa.Hdr.Name)
			} else {
				require.Equal(t, "strata.test.", soa.Hdr.Name)
			}
		}
	}
}

// A change of the table is a new version of the zone, and answered at once.
func TestAnswersFollowTheTable(t *testing.T) {
	s := testServer(t)
	serial := func() uint32 {
		return reply(t, s, query("strata.test", dns.TypeSOA), overUDP).Answer[0].(*dns.SOA).Serial
	}
	before := serial()
	require.NoError(t, s.config.Table.Set("strata.test", netip.MustParseAddr("10.77.0.3")))
	require.Greater(t, serial(), before)
	require.Equal(t, []string{"10.77.0.3"}, short(reply(t, s, query("strata.test", dns.TypeA), overUDP).Answer))

	// The top of the zone exists even if the table does not know it.
	s.config.Table.Remove("strata.test")
	r := reply(t, s, query("strata.test", dns.TypeA), overUDP)
	require.Equal(t, dns.RcodeSuccess, r.Rcode)
	require.Empty(t, r.Answer)
	require.Equal(t, []string{`"RFC8482" ""`}, short(reply(t, s, query("strata.test", dns.TypeANY), overUDP).Answer))
}

// What does not fit is cut, and says so, so that it is asked for again over
// TCP, where it comes whole. How much fits is what the client says, between
// bounds.
func TestTruncation(t *testing.T) {
	s := testServer(t)
	for edns, limit := range map[uint16]int{0: 512, 100: 512, 512: 512, 800: 800, 1232: 1232, 65535: 1232} {
		q := query("many.strata.test", dns.TypeA)
		if edns != 0 {
			q.SetEdns0(edns, true)
		}
		packed, err := q.Pack()
		require.NoError(t, err)
		answer := s.answer(packed, overUDP)
		require.LessOrEqual(t, len(answer), limit)
		require.Greater(t, len(answer), limit-32, "it is filled, but for a record (16 bytes) and OPT (11)")
		r := reply(t, s, q, overUDP)
		require.True(t, r.Truncated)
		if edns == 0 {
			require.Nil(t, r.IsEdns0(), "who does not speak EDNS gets none")
		} else {
			require.EqualValues(t, maxUDP, r.IsEdns0().UDPSize())
			require.True(t, r.IsEdns0().Do(), "RFC 3225 §3: DO comes back")
		}

		r = reply(t, s, q, overTCP)
		require.False(t, r.Truncated)
		require.Len(t, r.Answer, 256)
	}
}

// The longest message there can be: an address with more names than fit.
func TestManyPointers(t *testing.T) {
	s := testServer(t)
	for i := range 1000 {
		name := fmt.Sprintf("%s.%d.strata.test", strings.TrimSuffix(strings.Repeat(strings.Repeat("x", 60)+".", 3), "."), i)
		require.NoError(t, s.config.Table.Add(name, netip.MustParseAddr("10.79.0.1")))
	}
	q := query("1.0.79.10.in-addr.arpa", dns.TypePTR)
	require.True(t, reply(t, s, q, overUDP).Truncated)
	r := reply(t, s, q, overTCP)
	require.False(t, r.Truncated)
	require.Len(t, r.Answer, maxPointers)
}

func TestWhatIsNoProperQuery(t *testing.T) {
	s := testServer(t)
	good, err := query("strata.test", dns.TypeA).Pack()
	require.NoError(t, err)
	with := func(change func(b []byte) []byte) []byte { return change(slices.Clone(good)) }

	require.NotNil(t, s.answer(good, overUDP))
	for about, packet := range map[string][]byte{
		"nothing":        {},
		"half a header":  good[:11],
		"an answer":      with(func(b []byte) []byte { b[2] |= 0x80; return b }),
		"a lone bit set": with(func(b []byte) []byte { b[2] = 0xff; return b }),
	} {
		require.Nil(t, s.answer(packet, overUDP), about)
		require.Nil(t, s.answer(packet, overTCP), about)
	}
	for about, c := range map[string]struct {
		packet []byte
		rcode  int
	}{
		"a bare header":        {good[:12], dns.RcodeFormatError},
		"no question":          {with(func(b []byte) []byte { b[5] = 0; return b }), dns.RcodeFormatError},
		"two questions":        {with(func(b []byte) []byte { b[5] = 2; return append(b, good[12:]...) }), dns.RcodeFormatError},
		"a cut name":           {good[:15], dns.RcodeFormatError},
		"a name and no type":   {with(func(b []byte) []byte { return append(b[:12], 0) }), dns.RcodeFormatError},
		"a cut question":       {good[:len(good)-1], dns.RcodeFormatError},
		"a name that points":   {with(func(b []byte) []byte { return append(b[:12], 0xc0, 0x00, 0, 1, 0, 1) }), dns.RcodeFormatError},
		"records that are not": {with(func(b []byte) []byte { b[11] = 1; return b }), dns.RcodeFormatError},
		"NOTIFY":               {with(func(b []byte) []byte { b[2] |= dns.OpcodeNotify << 3; return b }), dns.RcodeNotImplemented},
		"UPDATE":               {with(func(b []byte) []byte { b[2] |= dns.OpcodeUpdate << 3; return b }), dns.RcodeNotImplemented},
	} {
		answer := s.answer(c.packet, overUDP)
		require.Len(t, answer, 12, about)
		var r dns.Msg
		require.NoError(t, r.Unpack(answer))
		require.EqualValues(t, 0x1234, r.Id, about)
		require.Equal(t, dns.RcodeToString[c.rcode], dns.RcodeToString[r.Rcode], about)
		require.Equal(t, c.packet[2]>>3&0xf, byte(r.Opcode), about)
		require.True(t, r.RecursionDesired, about)
	}

	// Another class is not ours; an unknown version of EDNS has a code of its
	// own (RFC 6891 §6.1.3); two sets of options make no sense.
	q := query("version.bind", dns.TypeTXT)
	q.Question[0].Qclass = dns.ClassCHAOS
	require.Equal(t, dns.RcodeRefused, reply(t, s, q, overUDP).Rcode)
	q = query("strata.test", dns.TypeA).SetEdns0(1232, false)
	q.IsEdns0().SetVersion(1)
	r := reply(t, s, q, overUDP)
	require.Equal(t, dns.RcodeBadVers, r.Rcode)
	require.Empty(t, r.Answer)
	q = query("strata.test", dns.TypeA).SetEdns0(1232, false).SetEdns0(1232, false)
	require.Equal(t, dns.RcodeFormatError, reply(t, s, q, overUDP).Rcode)
}

// Whatever comes: no panic; silence, or one answer to this query within the
// bounds, that is no longer than the query where it gives nothing.
func FuzzAnswer(f *testing.F) {
	s := testServer(f)
	for _, q := range []*dns.Msg{
		query("strata.test", dns.TypeA),
		query("x.strata.test", dns.TypeANY),
		query(`a\.b\000.strata.test`, dns.TypeAAAA),
		query("many.strata.test", dns.TypeA).SetEdns0(4096, true),
		query("missing.four.strata.test", dns.TypeMX).SetEdns0(1232, false),
		query("2.0.77.10.in-addr.arpa", dns.TypePTR),
		query("strata.test", dns.TypeAXFR),
		new(dns.Msg).SetNotify("strata.test."),
		new(dns.Msg).SetUpdate("strata.test."),
		new(dns.Msg).SetIxfr("strata.test.", 1, "a.", "b."),
	} {
		packed, err := q.Pack()
		require.NoError(f, err)
		f.Add(packed, false)
		f.Add(packed, true)
	}
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1}, false)
	f.Fuzz(func(t *testing.T, packet []byte, tcp bool) {
		over, limit := overUDP, maxUDP
		if tcp {
			over, limit = overTCP, maxTCP
		}
		answer := s.answer(packet, over)
		if answer == nil {
			require.True(t, len(packet) < 12 || packet[2]&0x80 != 0, "only what is no query is met with silence")
			return
		}
		require.LessOrEqual(t, len(answer), limit)
		require.Equal(t, packet[:2], answer[:2], "its id")
		require.NotZero(t, answer[2]&0x80)
		var r dns.Msg
		require.NoError(t, r.Unpack(answer))
		require.NotEqual(t, dns.RcodeServerFailure, r.Rcode)
		if r.Rcode != dns.RcodeSuccess && r.Rcode != dns.RcodeNameError {
			require.LessOrEqual(t, len(answer), len(packet))
		}
		if over == overUDP && r.IsEdns0() == nil {
			require.LessOrEqual(t, len(answer), plainUDP)
		}
	})
}

// BenchmarkAnswer is one query, from packet to packet.
func BenchmarkAnswer(b *testing.B) {
	s := testServer(b)
	packed, err := query("www.strata.test", dns.TypeA).SetEdns0(1232, false).Pack()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if s.answer(packed, overUDP) == nil {
			b.Fatal("silence")
		}
	}
}
