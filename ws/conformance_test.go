package ws

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// script is a conversation: what the peer sends, and what an echo that follows
// the RFC answers. Where the answer does not end with a close frame, the peer
// closes with 1000 and gets that back.
type script struct {
	name   string
	send   []rawFrame
	want   []rawFrame
	config connConfig
}

// fails is a script that ends with the connection failed for code, after
// answers.
func fails(name string, code int, send []rawFrame, answers ...rawFrame) script {
	return script{name: name, send: send, want: append(answers, closing(code, ""))}
}

func echoes(name string, frames ...rawFrame) script {
	return script{name: name, send: frames, want: frames}
}

func frames(f ...rawFrame) []rawFrame { return f }

// conformance is RFC 6455 §5, §7 and §8 as a table of 423 cases. RFC 7692 has 298
// (conformanceOfDeflate), messages of up to 16 MiB in frames of every size 37
// (conformanceOfSizes), and the combinations of permessage-deflate's parameters 684:
// 360 offers, 324 answers. The tables are run against server and client, in both
// modes, over TCP, pipes that cut by the byte, our own stack, and HTTP/2.
func conformance() []script {
	var s []script

	// §5.2: each form of the length, at both its ends.
	for _, n := range []int{0, 1, 125, 126, 127, 128, 4095, 4096, 65535, 65536, 70000} {
		p := strings.Repeat("*", n)
		s = append(s, echoes(fmt.Sprintf("text of %d", n), text(p)), echoes(fmt.Sprintf("binary of %d", n), bin(p)))
	}
	s = append(s, echoes("binary that is not UTF-8", bin("\xff\xfe\x00")))
	many := make([]rawFrame, 200)
	for i := range many {
		many[i] = text(fmt.Sprint("message ", i))
	}
	s = append(s, echoes("many messages at once", many...))

	// §5.2: "the minimal number of bytes MUST be used", "the most significant
	// bit MUST be 0".
	for _, n := range []int{0, 1, 125} {
		s = append(s, fails(fmt.Sprintf("length %d in 16 bits", n), 1002, frames(bin(strings.Repeat("x", n)).withForm(2))))
	}
	for _, n := range []int{0, 125, 126, 65535} {
		s = append(s, fails(fmt.Sprintf("length %d in 64 bits", n), 1002, frames(bin(strings.Repeat("x", n)).withForm(8))))
	}
	s = append(s,
		fails("length with the top bit", 1002, frames(text("first"), bin("").declaring(-1)), text("first")),
		fails("length 2^63-1", 1009, frames(text("first"), bin("").declaring(1<<63-1)), text("first")),
		fails("length 2^62", 1009, frames(bin("").declaring(1<<62))),
		fails("one byte more than the limit", 1009, frames(bin("").declaring(1<<20+1))),
		fails("more than the limit in two frames", 1009, frames(raw(2, strings.Repeat("x", 1<<20)), raw(fin, "x"))),
	)

	// §5.2: reserved bits and opcodes.
	for rsv := byte(0x10); rsv <= 0x70; rsv += 0x10 {
		name := fmt.Sprintf("reserved bits %#x", rsv)
		s = append(s,
			fails(name+" in text", 1002, frames(text("first"), raw(fin|rsv|1, "x")), text("first")),
			fails(name+" in ping", 1002, frames(raw(fin|rsv|9, "x"))),
			fails(name+" in close", 1002, frames(raw(fin|rsv|8, ""))),
			fails(name+" in continuation", 1002, frames(raw(1, "a"), raw(fin|rsv, "x"))),
		)
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		name := fmt.Sprintf("opcode %#x", op)
		s = append(s,
			fails(name, 1002, frames(raw(fin|op, ""))),
			fails(name+" after a message", 1002, frames(text("first"), raw(fin|op, "x"), pinging("")), text("first")),
			fails(name+" inside a message", 1002, frames(raw(1, "a"), raw(fin|op, "x"))),
		)
	}

	// §5.1: masks.
	s = append(s,
		fails("wrongly masked text", 1002, frames(text("first"), text("x").wronglyMasked()), text("first")),
		fails("wrongly masked ping", 1002, frames(pinging("x").wronglyMasked())),
		fails("wrongly masked continuation", 1002, frames(raw(1, "x"), raw(fin, "x").wronglyMasked())),
	)

	// §5.5: control frames.
	full := strings.Repeat("\xfe", 125)
	s = append(s,
		script{name: "ping", send: frames(pinging("")), want: frames(ponging(""))},
		script{name: "ping with payload", send: frames(pinging("hello")), want: frames(ponging("hello"))},
		script{name: "ping of 125 bytes", send: frames(pinging(full)), want: frames(ponging(full))},
		fails("ping of 126 bytes", 1002, frames(pinging(full+"x"))),
		fails("pong of 126 bytes", 1002, frames(ponging(full+"x"))),
		fails("ping of 64-bit length", 1002, frames(pinging("x").withForm(8))),
		fails("fragmented ping", 1002, frames(raw(9, "x"), raw(fin, "y"))),
		fails("fragmented pong", 1002, frames(raw(10, "x"))),
		fails("fragmented close", 1002, frames(raw(8, ""))),
		script{name: "unsolicited pong", send: frames(ponging("x"), text("y")), want: frames(text("y"))},
		script{name: "unsolicited pong that looks like an answer", send: frames(ponging("\x00\x00\x00\x00\x00\x00\x00\x01")), want: nil},
	)
	var pings, pongs []rawFrame
	for i := range 10 {
		pings = append(pings, pinging(fmt.Sprint(i)))
		pongs = append(pongs, ponging(fmt.Sprint(i)))
	}
	s = append(s, script{name: "ten pings", send: pings, want: pongs})

	// §5.4: fragmentation.
	s = append(s,
		script{name: "two fragments", send: frames(raw(1, "a"), raw(fin, "b")), want: frames(text("ab"))},
		script{name: "binary fragments", send: frames(raw(2, "a"), raw(0, "b"), raw(fin, "c")), want: frames(bin("abc"))},
		script{name: "ping between", send: frames(raw(1, "a"), pinging("p"), raw(fin, "b")), want: frames(ponging("p"), text("ab"))},
		script{name: "pong between", send: frames(raw(1, "a"), ponging("p"), raw(fin, "b")), want: frames(text("ab"))},
		script{name: "empty fragments", send: frames(raw(1, ""), raw(0, ""), raw(fin, "")), want: frames(text(""))},
		script{name: "empty first", send: frames(raw(1, ""), raw(fin, "b")), want: frames(text("b"))},
		script{name: "empty middle", send: frames(raw(1, "a"), raw(0, ""), raw(fin, "b")), want: frames(text("ab"))},
		script{name: "empty last", send: frames(raw(1, "a"), raw(fin, "")), want: frames(text("a"))},
		script{name: "five with pings", send: frames(raw(1, "1"), raw(0, "2"), pinging("p"), raw(0, "3"), raw(0, "4"), pinging("q"), raw(fin, "5")),
			want: frames(ponging("p"), ponging("q"), text("12345"))},
		fails("continuation of nothing, final", 1002, frames(raw(fin, "x"), text("y"))),
		fails("continuation of nothing", 1002, frames(raw(0, "x"))),
		fails("continuation of a finished message", 1002, frames(raw(1, "a"), raw(fin, "b"), raw(fin, "c")), text("ab")),
		fails("text inside a message", 1002, frames(raw(1, "a"), text("b"))),
		fails("binary inside a message", 1002, frames(raw(1, "a"), raw(2, "b"))),
	)

	// §5.5.1, §7: closing.
	s = append(s,
		script{name: "close without a code", send: frames(raw(fin|8, "")), want: frames(raw(fin|8, ""))},
		script{name: "close with a reason", send: frames(closing(1000, "bye")), want: frames(closing(1000, ""))},
		script{name: "close with 123 bytes of reason", send: frames(closing(1001, strings.Repeat("é", 61)+"x")), want: frames(closing(1001, ""))},
		script{name: "data after close", send: frames(closing(1000, ""), text("x"), pinging("y")), want: frames(closing(1000, ""))},
		script{name: "close twice", send: frames(closing(1000, ""), closing(1001, "")), want: frames(closing(1000, ""))},
		script{name: "close inside a message", send: frames(raw(1, "a"), closing(1000, ""), raw(fin, "b")), want: frames(closing(1000, ""))},
		script{name: "nonsense after close", send: frames(closing(1000, ""), raw(0x7f, "x")), want: frames(closing(1000, ""))},
		fails("close with one byte", 1002, frames(raw(fin|8, "\x03"))),
		fails("close with 124 bytes of reason", 1002, frames(closing(1000, strings.Repeat("x", 124)))),
		fails("close whose reason is not UTF-8", 1007, frames(closing(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"))),
		fails("close whose reason is cut", 1007, frames(closing(1000, "caf\xc3"))),
	)
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		s = append(s, script{name: fmt.Sprint("close ", code), send: frames(closing(code, "why")), want: frames(closing(code, ""))})
	}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		s = append(s, fails(fmt.Sprint("close ", code), 1002, frames(closing(code, "why"))))
	}

	// §8.1: UTF-8, whole and with each byte in a frame of its own.
	for i, v := range validTexts {
		s = append(s, echoes(fmt.Sprint("UTF-8 valid ", i), text(v)))
		s = append(s, script{name: fmt.Sprint("UTF-8 valid, by the byte ", i), send: bytewise(v), want: frames(text(v))})
	}
	for i, v := range invalidTexts {
		s = append(s,
			fails(fmt.Sprint("UTF-8 invalid ", i), 1007, frames(text("first"), text("ok"+v)), text("first")),
			fails(fmt.Sprint("UTF-8 invalid, by the byte ", i), 1007, bytewise("ok"+v)),
			echoes(fmt.Sprint("not a text ", i), bin(v)),
			fails(fmt.Sprint("close whose reason is not UTF-8 ", i), 1007, frames(closing(1000, "ok"+v))),
		)
	}

	// Each sequence that is cut between two frames, at each place, with a ping in
	// between: the cut is no error, and the ping no part of it.
	for i, v := range validTexts {
		for cut := 1; cut < len(v); cut++ {
			if !utf8.RuneStart(v[cut]) {
				s = append(s, script{name: fmt.Sprintf("UTF-8 valid %d, cut at %d", i, cut),
					send: frames(raw(1, v[:cut]), pinging(v[:cut]), raw(fin, v[cut:])), want: frames(ponging(v[:cut]), text(v))})
			}
		}
	}
	// And a text that ends there, in its only frame and in a last empty one.
	for i, v := range []string{"\u00e9", "\u20ac", "\U0001d11e"} {
		for cut := 1; cut < len(v); cut++ {
			s = append(s,
				fails(fmt.Sprintf("UTF-8 ends in sequence %d at %d", i, cut), 1007, frames(text("first"), text("x"+v[:cut])), text("first")),
				fails(fmt.Sprintf("UTF-8 ends in sequence %d at %d, empty last frame", i, cut), 1007, frames(raw(1, v[:cut]), raw(fin, ""))),
				fails(fmt.Sprintf("UTF-8 sequence %d cut at %d by the next message", i, cut), 1007, frames(text(v[:cut]), text(v[cut:]))),
			)
		}
	}
	return s
}

// How many cases there are is what the documentation says.
func TestConformanceCount(t *testing.T) {
	var offers int
	for _, inOffer := range []bool{true, false} {
		eachOffer(inOffer, func(offer) { offers++ })
	}
	sizes := 37
	if raceDetector {
		sizes = 20 // the smaller ones
	}
	require.Equal(t, []int{423, 298, sizes, 684}, []int{len(conformance()), len(conformanceOfDeflate(t)), len(conformanceOfSizes()), offers})
}

// bytewise is a text with each of its bytes in a frame of its own.
func bytewise(v string) []rawFrame {
	f := frames(raw(1, ""))
	for i := range len(v) {
		f = append(f, raw(0, v[i:i+1]))
	}
	return append(f, raw(fin, ""))
}

// The table, against a server and a client, over TCP and over a pipe on which
// each read gets as many bytes as the chop says.
func TestConformance(t *testing.T) {
	for _, client := range []bool{false, true} {
		for _, s := range conformance() {
			t.Run(map[bool]string{false: "server/", true: "client/"}[client]+s.name, func(t *testing.T) {
				t.Parallel()
				s.run(t, tcpPair, client, 0)
				if len(s.bytes(!client)) < 2000 {
					for _, chop := range []int{0, 1, 2, 3, 7} {
						s.run(t, pipePair, client, chop)
					}
				}
			})
		}
	}
}

func (s script) bytes(masked bool) []byte {
	var b []byte
	for _, f := range s.send {
		b = append(b, f.bytes(masked)...)
	}
	return b
}

func (s script) run(t *testing.T, pair func(testing.TB) (net.Conn, net.Conn), client bool, chop int) {
	s.runWith(t, pair, client, chop, echoUntilError)
}

// runWith is run with another echo.
func (s script) runWith(t *testing.T, pair func(testing.TB) (net.Conn, net.Conn), client bool, chop int, echo func(*Conn) error) {
	c, p := open(t, pair, client, s.config)
	ended := make(chan error, 1)
	go func() { ended <- echo(c) }()

	want, send := s.want, s.bytes(p.client)
	if len(want) == 0 || want[len(want)-1].first != fin|8 {
		send = append(send, closing(1000, "").bytes(p.client)...)
		want = append(want[:len(want):len(want)], closing(1000, ""))
	}
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for len(send) > 0 {
			n := len(send)
			if chop > 0 {
				n = min(n, chop)
			}
			if _, err := p.Write(send[:n]); err != nil {
				return // the connection was failed before all was sent
			}
			send = send[n:]
		}
	}()

	p.br = bufio.NewReaderSize(p.Conn, 64<<10)
	for i, w := range want {
		got := p.receive(t)
		if w.first == fin|8 && len(w.payload) == 2 {
			// Ours is the reason; the code is the RFC's.
			require.Equal(t, byte(fin|8), got.first, "frame %d: %v", i, got)
			require.GreaterOrEqual(t, len(got.payload), 2)
			require.Equal(t, w.payload, got.payload[:2], "frame %d: close code %d wanted, got %d %q", i,
				int(w.payload[0])<<8|int(w.payload[1]), int(got.payload[0])<<8|int(got.payload[1]), got.payload[2:])
			continue
		}
		require.Equal(t, w, got, "frame %d", i)
	}
	if !client {
		// §7.1.1: the server ends TCP, and nothing follows the close frame.
		_, err := p.br.ReadByte()
		require.Equal(t, io.EOF, err)
	}
	p.Close()
	<-wrote
	require.Error(t, <-ended)
}

// echoUntilError echoes until the connection ends.
func echoUntilError(c *Conn) error {
	for {
		typ, p, err := c.Read(context.Background())
		if err != nil {
			return err
		}
		if err := c.Write(context.Background(), typ, p); err != nil {
			return err
		}
	}
}
