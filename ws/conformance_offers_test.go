package ws

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// offer is one combination of RFC 7692 §7.1's parameters, in an offer or in an
// answer: bits 0 is absent, -1 without a value.
type offer struct {
	serverNo, clientNo     bool
	serverBits, clientBits int
}

func (o offer) String() string {
	s := "permessage-deflate"
	if o.serverNo {
		s += "; server_no_context_takeover"
	}
	if o.clientNo {
		s += "; client_no_context_takeover"
	}
	for name, bits := range map[string]int{"server_max_window_bits": o.serverBits, "client_max_window_bits": o.clientBits} {
		switch {
		case bits < 0:
			s += "; " + name
		case bits > 0:
			s += fmt.Sprintf("; %s=%d", name, bits)
		}
	}
	return s
}

// eachOffer calls f with every combination there is: 360 offers, or 324 answers.
func eachOffer(inOffer bool, f func(offer)) {
	bits := []int{0, 8, 9, 10, 11, 12, 13, 14, 15}
	clientBits := bits
	if inOffer {
		clientBits = append([]int{-1}, bits...)
	}
	for _, s := range bits {
		for _, c := range clientBits {
			for no := range 4 {
				f(offer{no&1 != 0, no&2 != 0, s, c})
			}
		}
	}
}

// readOffer reads an answer with nothing of the code under test.
func readOffer(t *testing.T, header string) (o offer) {
	for i, param := range strings.Split(header, "; ") {
		name, value, _ := strings.Cut(param, "=")
		var bits int
		fmt.Sscan(value, &bits)
		switch {
		case i == 0:
			require.Equal(t, "permessage-deflate", param)
		case param == "server_no_context_takeover":
			o.serverNo = true
		case param == "client_no_context_takeover":
			o.clientNo = true
		case name == "server_max_window_bits" && bits >= 8 && bits <= 15:
			o.serverBits = bits
		case name == "client_max_window_bits" && bits >= 8 && bits <= 15:
			o.clientBits = bits
		default:
			t.Fatalf("%q in the answer %q", param, header)
		}
	}
	return o
}

func orFifteen(bits int) int {
	if bits <= 0 {
		return 15
	}
	return bits
}

// keepsTo has the connection at the other end of p echo compressed messages, and
// judges whether what it sends keeps to the window and to the takeover that was
// agreed for it, and whether it understands what ours allows.
func keepsTo(t *testing.T, p *peer, ours, theirs int, oursNo, theirsNo bool) {
	var unit strings.Builder
	for i := range 300 {
		fmt.Fprintf(&unit, "%x,", i*i*7919)
	}
	m := unit.String()
	var sent, received []byte
	for range 3 {
		if oursNo {
			sent = nil
		}
		if theirsNo {
			received = nil
		}
		c := newCompressor(1, ours)
		z, err := c.message([]byte(m), sent[max(0, len(sent)-1<<ours):])
		require.NoError(t, err)
		wrote := make(chan error, 1)
		go func() {
			_, err := p.Write(raw(fin|bitRSV1|1, string(z)).bytes(p.client))
			wrote <- err
		}()
		f := p.receive(t)
		require.NoError(t, <-wrote)
		c.put()
		require.Equal(t, byte(fin|bitRSV1|1), f.first, "the answer is compressed")
		require.LessOrEqual(t, farthest(t, []byte(f.payload), received), 1<<theirs)
		out, _, err := inflateAll(append([]byte(f.payload), deflateTail...), received, nil, 1<<20)
		require.NoError(t, err)
		require.Equal(t, m, string(out))
		sent, received = append(sent, m...), append(received, m...)
	}
}

// Every combination of the parameters in an offer: the server accepts each of
// them, answers as RFC 7692 §7.1 wants, and both sides then keep to it.
func TestConformanceOfOffers(t *testing.T) {
	eachOffer(true, func(o offer) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			a, b := pipePair(t)
			ended := make(chan error, 1)
			go func() {
				c, err := Upgrade(a, &UpgradeOptions{AcceptOptions: AcceptOptions{Compression: &Compression{Threshold: -1}}})
				if err == nil {
					err = echoUntilError(c)
				}
				ended <- err
			}()
			_, err := io.WriteString(b, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: "+o.String()+"\r\n\r\n")
			require.NoError(t, err)
			p := &peer{Conn: b, br: bufio.NewReader(b), client: true}
			resp, err := http.ReadResponse(p.br, nil)
			require.NoError(t, err)
			answer := readOffer(t, resp.Header.Get("Sec-WebSocket-Extensions"))
			if o.serverNo {
				require.True(t, answer.serverNo, "§7.1.1.1: what is asked for is answered")
			}
			if o.serverBits > 0 {
				require.NotZero(t, answer.serverBits, "§7.1.2.1: what is asked for is answered")
				require.LessOrEqual(t, answer.serverBits, o.serverBits)
			}
			if o.clientBits == 0 {
				require.Zero(t, answer.clientBits, "§7.1.2.2: a client that did not say that it can is not held to it")
			} else if o.clientBits > 0 && answer.clientBits > 0 {
				require.LessOrEqual(t, answer.clientBits, o.clientBits)
			}
			clientBits := min(orFifteen(answer.clientBits), orFifteen(o.clientBits))
			keepsTo(t, p, clientBits, orFifteen(answer.serverBits), answer.clientNo, answer.serverNo)
			go p.Write(closing(1000, "").bytes(true))
			require.Equal(t, closing(1000, ""), p.receive(t))
			require.Equal(t, StatusNormalClosure, CloseStatus(<-ended))
		})
	})
}

// Every combination of the parameters in an answer to our offer: the client takes
// each of them, and keeps to it.
func TestConformanceOfAnswers(t *testing.T) {
	eachOffer(false, func(o offer) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			a, b := pipePair(t)
			p := &peer{Conn: b, br: bufio.NewReader(b)}
			ended := make(chan error, 1)
			go func() {
				c, _, err := Dial(context.Background(), "ws://h/", &DialOptions{Compression: &Compression{Threshold: -1}, Rand: zeroes{},
					DialContext: func(context.Context, string, string) (net.Conn, error) { return a, nil }})
				if err == nil {
					err = echoUntilError(c)
				}
				ended <- err
			}()
			r, err := http.ReadRequest(p.br)
			require.NoError(t, err)
			require.Equal(t, "permessage-deflate; client_max_window_bits", r.Header.Get("Sec-WebSocket-Extensions"))
			_, err = io.WriteString(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+acceptKey(r.Header.Get("Sec-WebSocket-Key"))+"\r\nSec-WebSocket-Extensions: "+o.String()+"\r\n\r\n")
			require.NoError(t, err)
			keepsTo(t, p, orFifteen(o.serverBits), orFifteen(o.clientBits), o.serverNo, o.clientNo)
			go p.Write(closing(1000, "").bytes(false))
			require.Equal(t, closing(1000, ""), p.receive(t))
			p.Close()
			require.Equal(t, StatusNormalClosure, CloseStatus(<-ended))
		})
	})
}
