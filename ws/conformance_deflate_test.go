package ws

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// packed is p compressed by the standard library at a level, behind what window
// says was sent before, as RFC 7692 §7.2.1 wants it.
func packed(t testing.TB, p string, level int, window string) string {
	return string(bytes.TrimSuffix(deflated(t, []byte(p), level, []byte(window)), deflateTail))
}

// conformanceOfDeflate is RFC 7692 as a table. Answers are not compressed, so that
// they can be compared; what is sent compressed has tests of its own.
func conformanceOfDeflate(t testing.TB) []script {
	plainly := Compression{Threshold: 1 << 40}
	on := deflating(deflateParams{}, plainly)
	var s []script
	add := func(more ...script) {
		for _, m := range more {
			if m.config.deflate == nil {
				m.config = on
			}
			m.name = "deflate: " + m.name
			s = append(s, m)
		}
	}
	const z = fin | bitRSV1
	hello := packed(t, "Hello", 9, "")

	// §7.2.3: the RFC's own examples.
	add(
		script{name: "7.2.3.1 one block", send: frames(raw(z|1, "\xf2\x48\xcd\xc9\xc9\x07\x00")), want: frames(text("Hello"))},
		script{name: "7.2.3.1 fragmented", send: frames(raw(bitRSV1|1, "\xf2\x48\xcd"), raw(fin, "\xc9\xc9\x07\x00")), want: frames(text("Hello"))},
		script{name: "7.2.3.2 the window is shared", send: frames(raw(z|1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), raw(z|1, "\xf2\x00\x11\x00\x00")), want: frames(text("Hello"), text("Hello"))},
		script{name: "7.2.3.3 no compression", send: frames(raw(z|1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")), want: frames(text("Hello"))},
		script{name: "7.2.3.4 BFINAL", send: frames(raw(z|1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00")), want: frames(text("Hello"))},
		script{name: "7.2.3.5 two blocks", send: frames(raw(z|1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")), want: frames(text("Hello"))},
		script{name: "7.2.3.6 empty", send: frames(raw(z|1, "\x00")), want: frames(text(""))},
		script{name: "BFINAL and no more, as zlib ends a stream", send: frames(raw(z|1, "\xf3\x48\xcd\xc9\xc9\x07\x00")), want: frames(text("Hello"))},
		script{name: "no byte at all", send: frames(raw(z|1, "")), want: frames(text(""))},
		script{name: "not compressed", send: frames(text("Hello"), raw(z|1, hello), bin("x")), want: frames(text("Hello"), text("Hello"), bin("x"))},
	)

	// §6.1: RSV1 is the first frame's, and nothing else's.
	add(
		fails("RSV1 on a continuation", 1002, frames(raw(bitRSV1|1, hello[:2]), raw(z, hello[2:]))),
		fails("RSV1 on a continuation of a plain message", 1002, frames(raw(1, "a"), raw(z, hello))),
		fails("RSV1 on a ping", 1002, frames(raw(z|9, ""))),
		fails("RSV1 on a pong", 1002, frames(raw(z|10, ""))),
		fails("RSV1 on a close", 1002, frames(raw(z|8, ""))),
	)
	for _, rsv := range []byte{0x10, 0x20, 0x30, 0x50, 0x60, 0x70} {
		for _, op := range []byte{1, 2, 9} {
			add(fails(fmt.Sprintf("reserved bits %#x, opcode %d", rsv, op), 1002, frames(raw(z|1, hello), raw(fin|rsv|op, hello)), text("Hello")))
		}
	}

	// §6.2, §7.2.2: every kind of block, cut everywhere, control frames between.
	samples := map[string]string{"Hello": "Hello", "empty": "", "repeats": strings.Repeat("abcabcabd", 50), "UTF-8": strings.Repeat("κόσμε𝄞", 20)}
	for name, m := range samples {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			p := packed(t, m, level, "")
			add(script{name: fmt.Sprintf("%s, level %d", name, level), send: frames(raw(z|1, p)), want: frames(text(m))})
			for _, chop := range []int{1, 3, 10} {
				f := frames(raw(bitRSV1|1, ""))
				for rest := p; rest != ""; {
					n := min(chop, len(rest))
					f = append(f, raw(0, rest[:n]))
					rest = rest[n:]
				}
				add(script{name: fmt.Sprintf("%s, level %d, in frames of %d", name, level, chop), send: append(f, raw(fin, "")), want: frames(text(m))})
			}
			add(script{name: fmt.Sprintf("%s, level %d, ping between", name, level),
				send: frames(raw(bitRSV1|2, p[:len(p)/2]), pinging("p"), raw(fin, p[len(p)/2:])), want: frames(ponging("p"), bin(m))})
		}
	}

	// §7.1: every combination of parameters: with takeover a message refers to
	// the one before, without it that is an error.
	first := strings.Repeat("0123456789", 10)
	eachDeflate(func(name string, p deflateParams) {
		cfg := deflating(p, plainly)
		again := packed(t, first+"!", 9, first)
		if p.serverNoTakeover {
			f := fails(name+", refers to the message before", 1007, frames(raw(z|1, packed(t, first, 9, "")), raw(z|1, again)), text(first))
			f.config = cfg
			add(f)
		} else {
			add(script{name: name + ", refers to the message before", config: cfg,
				send: frames(raw(z|1, packed(t, first, 9, "")), text("between"), raw(z|1, again)), want: frames(text(first), text("between"), text(first+"!"))})
		}
		add(script{name: name + ", each by itself", config: cfg,
			send: frames(raw(z|1, packed(t, first, 9, "")), raw(z|2, packed(t, first, 9, ""))), want: frames(text(first), bin(first))})
	})

	// What cannot be decompressed: 1007, after the answers to what came before.
	for name, p := range map[string]string{
		"a block of reserved type": "\x07", "a length that does not match its complement": "\x00\x05\x00\x05\x00",
		"a distance before the beginning": "\xf2\x00\x11\x00\x00", "an end inside a block": hello[:4], "an end inside a stored block": "\x00\x05\x00\xfa\xffHe",
		"too many codes": "\xfc\xff\xff", "lengths that are no code": "\x04\x00\xff\xff\xff\xff\xff\xff", "text": "this is not compressed", "a zlib header": "\x78\x9c" + hello,
		"a gzip header": "\x1f\x8b\x08\x00\x00\x00\x00\x00",
	} {
		add(fails(name, 1007, frames(text("first"), raw(z|1, p)), text("first")))
		add(fails(name+", in binary", 1007, frames(raw(z|2, p))))
	}

	// RFC 6455 §8.1 through compression.
	for i, v := range validTexts {
		add(script{name: fmt.Sprint("UTF-8 valid ", i), send: frames(raw(z|1, packed(t, v, 1, ""))), want: frames(text(v))})
	}
	for i, v := range invalidTexts {
		add(fails(fmt.Sprint("UTF-8 invalid ", i), 1007, frames(text("first"), raw(z|1, packed(t, "ok"+v, 1, ""))), text("first")))
		p := packed(t, "ok"+v, 1, "")
		add(fails(fmt.Sprint("UTF-8 invalid, cut ", i), 1007, frames(raw(bitRSV1|1, p[:len(p)/2]), raw(fin, p[len(p)/2:]))))
		add(script{name: fmt.Sprint("not a text ", i), send: frames(raw(z|2, packed(t, v, 1, ""))), want: frames(bin(v))})
	}

	// The limit is the inflated message's.
	limited := on
	limited.readLimit = 1000
	exact := fails("one byte more than the limit", 1009, frames(raw(z|2, packed(t, strings.Repeat("x", 1000), 9, "")), raw(z|2, packed(t, strings.Repeat("y", 1001), 9, ""))), bin(strings.Repeat("x", 1000)))
	exact.config = limited
	add(exact)
	return s
}

// conformanceOfSizes is messages of up to 16 MiB in frames of every size.
func conformanceOfSizes() []script {
	var s []script
	for _, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20} {
		m := strings.Repeat("0123456789abcdef", size/16)
		for _, chop := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 16 << 20} {
			if chop > size || size/chop > 1<<16 || raceDetector && (size > 1<<20 || size/chop > 1<<12) {
				continue // the most frames are 4 MiB in frames of 64
			}
			f := frames(raw(2, m[:chop]))
			for at := chop; at < size; at += chop {
				f = append(f, raw(0, m[at:at+chop]))
			}
			f[len(f)-1].first |= fin
			s = append(s, script{name: fmt.Sprintf("%d KiB in frames of %d", size>>10, chop), send: f, want: frames(bin(m)), config: connConfig{readLimit: -1}})
		}
	}
	return s
}

// The table of compression, against server and client, in both modes, over TCP,
// and cut by the byte over a pipe.
func TestConformanceOfDeflate(t *testing.T) {
	table := conformanceOfDeflate(t)
	require.Greater(t, len(table), 250)
	for _, client := range []bool{false, true} {
		for _, s := range table {
			t.Run(fmt.Sprintf("client %v/%s", client, s.name), func(t *testing.T) {
				t.Parallel()
				s.run(t, tcpPair, client, 0)
				s.runWith(t, tcpPair, client, 0, handled)
				if len(s.bytes(!client)) < 2000 {
					s.run(t, pipePair, client, 1)
				}
			})
		}
	}
}

func TestConformanceOfSizes(t *testing.T) {
	for _, client := range []bool{false, true} {
		// One frame in segments of each size, however the header is cut.
		for _, chop := range []int{64, 997, 4096, 65_535} {
			t.Run(fmt.Sprintf("client %v/64 KiB in writes of %d", client, chop), func(t *testing.T) {
				m := strings.Repeat("κόσμε", 6000)
				echoes("", text(m), bin(m)).run(t, tcpPair, client, chop)
			})
		}
		for _, s := range conformanceOfSizes() {
			t.Run(fmt.Sprintf("client %v/%s", client, s.name), func(t *testing.T) {
				s.run(t, tcpPair, client, 0)
				s.runWith(t, tcpPair, client, 0, handled)
			})
		}
	}
}

// handled echoes in event mode until the connection ends.
func handled(c *Conn) error {
	closed := make(chan error, 1)
	c.Handle(echoHandler(closed))
	return <-closed
}
