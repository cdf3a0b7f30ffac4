package ws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deflating is a configuration in which both directions are compressed as p says.
func deflating(p deflateParams, o Compression) connConfig {
	if p.serverBits == 0 {
		p.serverBits = 15
	}
	if p.clientBits == 0 {
		p.clientBits = 15
	}
	if o.Threshold == 0 {
		o.Threshold = -1
	}
	return connConfig{deflate: &p, compression: &o, readLimit: -1}
}

// What a server answers to each offer (RFC 7692 §7.1), in the header's words;
// empty: the offer is declined.
func TestServerNegotiatesDeflate(t *testing.T) {
	const pmd = "permessage-deflate"
	for _, c := range []struct {
		name, offer string
		ours        Compression
		want        string
	}{
		{"plain", pmd, Compression{}, pmd},
		{"a hint that smaller windows are understood", pmd + "; client_max_window_bits", Compression{}, pmd},
		{"quoted", pmd + `; client_max_window_bits="10"`, Compression{}, pmd + "; client_max_window_bits=10"},
		{"the client's own limit", pmd + "; client_max_window_bits=9", Compression{}, pmd + "; client_max_window_bits=9"},
		{"the server's limit, asked for", pmd + "; server_max_window_bits=9", Compression{}, pmd + "; server_max_window_bits=9"},
		{"8 bits", pmd + "; server_max_window_bits=8; client_max_window_bits=8", Compression{}, pmd + "; server_max_window_bits=8; client_max_window_bits=8"},
		{"15 bits, asked for", pmd + "; server_max_window_bits=15", Compression{}, pmd + "; server_max_window_bits=15"},
		{"ours is smaller", pmd + "; server_max_window_bits=12; client_max_window_bits=12", Compression{ServerMaxWindowBits: 10, ClientMaxWindowBits: 11}, pmd + "; server_max_window_bits=10; client_max_window_bits=11"},
		{"ours is larger", pmd + "; server_max_window_bits=9; client_max_window_bits=9", Compression{ServerMaxWindowBits: 10, ClientMaxWindowBits: 11}, pmd + "; server_max_window_bits=9; client_max_window_bits=9"},
		{"ours alone", pmd, Compression{ServerMaxWindowBits: 10}, pmd + "; server_max_window_bits=10"},
		{"the client cannot be held to ours", pmd, Compression{ClientMaxWindowBits: 10}, ""},
		{"no takeover, asked for", pmd + "; server_no_context_takeover; client_no_context_takeover", Compression{}, pmd + "; server_no_context_takeover; client_no_context_takeover"},
		{"no takeover, ours", pmd, Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true}, pmd + "; server_no_context_takeover; client_no_context_takeover"},
		{"the second offer", pmd + "; server_max_window_bits=7, " + pmd, Compression{}, pmd},
		{"behind another extension", "x-webkit-deflate-frame;a=b, " + pmd, Compression{}, pmd},
		{"blanks", "  " + pmd + " ;\tserver_no_context_takeover ,", Compression{}, pmd + "; server_no_context_takeover"},
		{"nothing", "", Compression{}, ""},
		{"another extension", "bbf-usp-protocol", Compression{}, ""},
		{"7 bits", pmd + "; server_max_window_bits=7", Compression{}, ""},
		{"16 bits", pmd + "; client_max_window_bits=16", Compression{}, ""},
		{"leading zero", pmd + "; server_max_window_bits=09", Compression{}, ""},
		{"a sign", pmd + "; server_max_window_bits=+9", Compression{}, ""},
		{"no number", pmd + "; server_max_window_bits=x", Compression{}, ""},
		{"no value", pmd + "; server_max_window_bits", Compression{}, ""},
		{"an empty value", pmd + "; client_max_window_bits=", Compression{}, ""},
		{"a value where there is none", pmd + "; server_no_context_takeover=1", Compression{}, ""},
		{"an unknown parameter", pmd + "; level=3", Compression{}, ""},
		{"a parameter twice", pmd + "; server_max_window_bits=10; server_max_window_bits=10", Compression{}, ""},
		{"a flag twice", pmd + "; client_no_context_takeover; client_no_context_takeover", Compression{}, ""},
		{"another case", "Permessage-Deflate", Compression{}, ""},
		{"an open quote", pmd + `; client_max_window_bits="10`, Compression{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{headerExtensions: {c.offer}}
			_, answer := c.ours.acceptDeflate(h)
			require.Equal(t, c.want, answer)
		})
	}
}

// What a client makes of each answer to its offer: an answer that was not asked
// for, or does not keep to the offer, fails the handshake.
func TestClientChecksDeflate(t *testing.T) {
	const pmd = "permessage-deflate"
	for _, c := range []struct {
		answer string
		ours   *Compression
		want   string // the parameters agreed on; "none"; or an error's text after "!"
	}{
		{"", &Compression{}, "none"},
		{pmd, nil, "!not offered"},
		{"x", &Compression{}, "!not offered"},
		{pmd + ", " + pmd, &Compression{}, "!not offered"},
		{pmd, &Compression{}, "15 15 false false"},
		{pmd + "; client_max_window_bits=9", &Compression{}, "15 9 false false"},
		{pmd + "; server_max_window_bits=9", &Compression{}, "9 15 false false"},
		{pmd + "; server_no_context_takeover", &Compression{}, "15 15 true false"},
		{pmd + "; client_no_context_takeover", &Compression{}, "15 15 false true"},
		{pmd, &Compression{ClientNoContextTakeover: true, ClientMaxWindowBits: 10}, "15 10 false true"},
		{pmd, &Compression{ServerNoContextTakeover: true}, "!server_no_context_takeover"},
		{pmd, &Compression{ServerMaxWindowBits: 9}, "!server_max_window_bits=9"},
		{pmd + "; server_max_window_bits=10", &Compression{ServerMaxWindowBits: 9}, "!server_max_window_bits=9"},
		{pmd + "; server_max_window_bits=8", &Compression{ServerMaxWindowBits: 9}, "8 15 false false"},
		{pmd + "; client_max_window_bits=11", &Compression{ClientMaxWindowBits: 10}, "!offer of 10"},
		{pmd + "; client_max_window_bits", &Compression{}, "!parameter"},
		{pmd + "; server_max_window_bits=16", &Compression{}, "!parameter"},
		{pmd + "; x", &Compression{}, "!parameter"},
		{pmd + "; server_max_window_bits=9; server_max_window_bits=9", &Compression{}, "!twice"},
		{pmd + ";", &Compression{}, "!malformed"},
	} {
		p, err := c.ours.checkAnswer(http.Header{headerExtensions: {c.answer}})
		got := "none"
		if p != nil {
			got = fmt.Sprint(p.serverBits, p.clientBits, p.serverNoTakeover, p.clientNoTakeover)
		}
		if want, fails := strings.CutPrefix(c.want, "!"); fails {
			require.ErrorContains(t, err, want, "%q to %+v", c.answer, c.ours)
			continue
		}
		require.NoError(t, err, "%q to %+v", c.answer, c.ours)
		require.Equal(t, c.want, got, "%q to %+v", c.answer, c.ours)
	}
}

// A header of 100 KB takes linear time, however it is made.
func TestExtensionsInLinearTime(t *testing.T) {
	for _, unit := range []string{"a;b=c,", "permessage-deflate;x,", "a;", ",", `a;b="\c",`, " ", "a;b=\"" + strings.Repeat("c", 50)} {
		h := http.Header{headerExtensions: {strings.Repeat(unit, 2_000_000/len(unit))}}
		_, answer := new(Compression).acceptDeflate(h) // 2 MB: the square of it would be minutes
		require.Empty(t, answer)
	}
}

// Whatever the header, parsing ends, and what is agreed on may be.
func FuzzExtensions(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits=\"10\"; server_no_context_takeover", 9, 10)
	f.Add(" , permessage-deflate ; server_max_window_bits = 8,a;b", 0, 15)
	f.Fuzz(func(t *testing.T, line string, server, client int) {
		o := &Compression{ServerMaxWindowBits: server, ClientMaxWindowBits: client}
		if o.check() != nil {
			return
		}
		p, answer := o.acceptDeflate(http.Header{headerExtensions: {line}})
		if answer == "" {
			return
		}
		require.Contains(t, line, deflateName)
		require.True(t, p.serverBits >= 8 && p.serverBits <= o.params().serverBits)
		require.True(t, p.clientBits >= 8 && p.clientBits <= o.params().clientBits)
		// A client that offered this takes the answer, unless it is stricter.
		got, err := new(Compression).checkAnswer(http.Header{headerExtensions: {answer}})
		require.NoError(t, err)
		require.Equal(t, p.serverBits, got.serverBits)
		require.Equal(t, p.clientBits, got.clientBits)
	})
}

// window9 and the like: which parameters a pair of connections may have.
func eachDeflate(f func(name string, p deflateParams)) {
	for bits := 8; bits <= 15; bits++ {
		for _, takeover := range []bool{true, false} {
			f(fmt.Sprintf("%d bits, takeover %v", bits, takeover), deflateParams{serverBits: bits, clientBits: bits, serverNoTakeover: !takeover, clientNoTakeover: !takeover})
		}
	}
}

// Messages come back as they went with every combination of parameters, at every
// level, written at once and in pieces, and are really compressed.
func TestDeflateRoundTrip(t *testing.T) {
	samples := sampleTexts()
	eachDeflate(func(name string, p deflateParams) {
		for _, level := range []int{1, 2, 6, 9} {
			if p.serverBits < 15 && level > 1 {
				continue // there is one level only
			}
			t.Run(fmt.Sprintf("%s, level %d", name, level), func(t *testing.T) {
				t.Parallel()
				a, b := tcpPair(t)
				cfg := deflating(p, Compression{Level: level})
				server := newConn(a, cfg)
				cfg.client, cfg.rand = true, zeroes{}
				client := newConn(b, cfg)
				go echoUntilError(server)
				wrote := make(chan error, 1)
				var sent [][]byte
				for range 3 {
					for _, name := range []string{"JSON", "empty", "noise", "hello", "zeroes", "one byte", "eight letters"} {
						m := samples[name]
						sent = append(sent, m, m[:len(m)/50])
					}
				}
				go func() {
					for i, m := range sent {
						if i%2 == 0 {
							if err := client.Write(context.Background(), MessageBinary, m); err != nil {
								wrote <- err
								return
							}
							continue
						}
						w, err := client.Writer(context.Background(), MessageBinary)
						if err == nil {
							_, err = io.Copy(w, iotestOneByOne(m, 777))
						}
						if err == nil {
							err = w.Close()
						}
						if err != nil {
							wrote <- err
							return
						}
					}
					wrote <- nil
				}()
				for i, m := range sent {
					_, got, err := client.Read(t.Context())
					require.NoError(t, err)
					require.True(t, bytes.Equal(m, got), "message %d: %d bytes, wanted %d", i, len(got), len(m))
				}
				require.NoError(t, <-wrote)
				require.NoError(t, client.Close(1000, ""))
			})
		}
	})
}

// iotestOneByOne reads p in pieces of n bytes.
func iotestOneByOne(p []byte, n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		for len(p) > 0 {
			k := min(n, len(p))
			w.Write(p[:k])
			p = p[k:]
		}
		w.Close()
	}()
	return r
}

// farthest is the largest distance in a compressed message, by an inflater whose
// window before the message is as large as DEFLATE has it.
func farthest(t *testing.T, in, history []byte) int {
	for d := 1; d <= maxWindow; d *= 2 {
		z := newInflater()
		z.reset(history)
		z.limit = d
		rest := append(bytes.Clone(in), deflateTail...)
		var err error
		for again := true; again && err == nil; {
			rest, again, err = z.run(rest)
			z.fresh()
		}
		if err == nil {
			return d
		}
		require.ErrorIs(t, err, errDeflateDistance)
	}
	t.Fatal("no distance is enough")
	return 0
}

// The window that was agreed on is really kept by what we send: with 8 bits no
// distance is beyond 256 bytes, and so on, within a message and to earlier ones,
// although there is much to refer to farther away; and it is made use of.
func TestSenderKeepsToItsWindow(t *testing.T) {
	unit := make([]byte, 0, 40_000)
	for i := range 5000 {
		unit = fmt.Appendf(unit, "%x,", i*i*7919)
	}
	for bits := 8; bits <= 15; bits++ {
		d := newDeflate(&Compression{Threshold: -1, History: 1 << 15}, &deflateParams{serverBits: bits, clientBits: 15}, false)
		var history []byte
		most := 0
		for _, size := range []int{100, 200, 1000, 5000, 20_000, 33_000} {
			for range 3 {
				m := unit[:size]
				out, c, err := d.compress(m)
				require.NoError(t, err)
				if c == nil {
					continue
				}
				most = max(most, farthest(t, out, history))
				d.messageSent(m)
				history = append(history, m...)
				history = history[max(0, len(history)-maxWindow):]
				c.put()
			}
		}
		require.LessOrEqual(t, most, 1<<bits)
		require.GreaterOrEqual(t, most, 1<<(bits-1), "the window of %d bits is not made use of", bits)
	}
}

// Context takeover makes the second message smaller; without it both are the same.
func TestContextTakeover(t *testing.T) {
	m := sampleTexts()["JSON"][:2000]
	for _, no := range []bool{false, true} {
		d := newDeflate(&Compression{}, &deflateParams{serverBits: 15, clientBits: 15, serverNoTakeover: no}, false)
		var sizes []int
		for range 2 {
			out, c, err := d.compress(m)
			require.NoError(t, err)
			sizes = append(sizes, len(out))
			d.messageSent(m)
			c.put()
		}
		if no {
			require.Equal(t, sizes[0], sizes[1])
		} else {
			require.Less(t, sizes[1]*4, sizes[0])
		}
	}
}

// A connection's memory of what was said is the window's, not the message's.
func TestWindow(t *testing.T) {
	w := window{max: 100}
	all := []byte{}
	for i := range 500 {
		p := bytes.Repeat([]byte{byte(i)}, i*31%170)
		w.add(p)
		all = append(all, p...)
		require.Equal(t, all[max(0, len(all)-100):], append([]byte{}, w.buf...))
		require.LessOrEqual(t, cap(w.buf), 100)
	}
}

// A Write that was given up is not in the window: the peer never saw it.
func TestCancelledWriteIsNotInTheWindow(t *testing.T) {
	c, p := open(t, pipePair, false, deflating(deflateParams{}, Compression{}))
	m := sampleTexts()["JSON"][:1000]
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := make(chan error, 1)
	go func() { cancelled <- c.Write(ctx, MessageText, m) }()
	cancel()
	require.ErrorIs(t, <-cancelled, context.Canceled)
	go c.Write(t.Context(), MessageText, m)
	f := p.receive(t)
	require.Equal(t, byte(fin|bitRSV1|1), f.first)
	out, end, err := inflateAll(append([]byte(f.payload), deflateTail...), nil, nil, 1<<20)
	require.NoError(t, err)
	require.True(t, end)
	require.Equal(t, m, out)
}
