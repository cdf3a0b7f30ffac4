package names

import (
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// Whatever a server sends: no panic, and only records of the type that was
// asked for, by a bounded number of aliases.
func FuzzReading(f *testing.F) {
	q := query("host.test", dns.TypeA)
	for _, records := range [][]string{
		{"host.test. 60 IN A 10.0.0.7", "host.test. 60 IN AAAA fd00::7", "host.test. 60 IN PTR a.test."},
		{"host.test. 60 IN CNAME b.test.", "b.test. 60 IN CNAME host.test."},
		{`host.test. 60 IN CNAME a\.b\000.test.`, "a.b.test. 1 IN A 10.0.0.7"},
	} {
		r := new(dns.Msg).SetReply(q)
		for _, text := range records {
			rr, err := dns.NewRR(text)
			require.NoError(f, err)
			r.Answer = append(r.Answer, rr)
		}
		packed, err := r.Pack()
		require.NoError(f, err)
		f.Add(packed, uint16(dns.TypeA))
	}
	f.Fuzz(func(t *testing.T, packet []byte, qtype uint16) {
		q := query("host.test", qtype)
		msg := answerTo(q, packet)
		if msg == nil {
			return
		}
		require.Equal(t, q.Id, msg.Id)
		a := read(msg, "host.test", qtype)
		require.LessOrEqual(t, a.aliases, maxAliases)
		require.LessOrEqual(t, a.ttl, maxTTL)
		require.GreaterOrEqual(t, a.ttl, time.Duration(0))
		for _, addr := range a.addrs {
			require.True(t, addr.Is4() && qtype == dns.TypeA || addr.Is6() && qtype == dns.TypeAAAA)
		}
		require.True(t, len(a.names) == 0 || qtype == dns.TypePTR)
		if a.owner != "host.test" { // it can be asked for
			_, err := query(a.owner, qtype).Pack()
			require.NoError(t, err)
		}
	})
}
