package ws

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// rawFrame is a frame built and read by hand, from the picture in RFC 6455 §5.2,
// with nothing of the code under test.
type rawFrame struct {
	first   byte // FIN, RSV1 to 3, opcode
	payload string
	form    int  // bytes of extended length: 0, 2, 8; -1: the shortest
	declare int  // length to declare in place of the payload's; 0: the payload's
	wrong   bool // masked where it must not be, or not where it must
}

const fin = 0x80

func text(s string) rawFrame    { return rawFrame{first: fin | 1, payload: s, form: -1} }
func bin(s string) rawFrame     { return rawFrame{first: fin | 2, payload: s, form: -1} }
func pinging(s string) rawFrame { return rawFrame{first: fin | 9, payload: s, form: -1} }
func ponging(s string) rawFrame { return rawFrame{first: fin | 10, payload: s, form: -1} }

func raw(first byte, payload string) rawFrame {
	return rawFrame{first: first, payload: payload, form: -1}
}

func closing(code int, reason string) rawFrame {
	return raw(fin|8, string([]byte{byte(code >> 8), byte(code)})+reason)
}

func (f rawFrame) withForm(form int) rawFrame { f.form = form; return f }
func (f rawFrame) declaring(n int) rawFrame   { f.declare = n; f.form = -1; return f }
func (f rawFrame) wronglyMasked() rawFrame    { f.wrong = true; return f }
func (f rawFrame) String() string {
	return fmt.Sprintf("%#02x %d bytes %.40q", f.first, len(f.payload), f.payload)
}

// bytes is the frame as a client (masked) or a server sends it.
func (f rawFrame) bytes(masked bool) []byte {
	masked = masked != f.wrong
	n := uint64(len(f.payload))
	if f.declare != 0 {
		n = uint64(f.declare)
	}
	form := f.form
	if form < 0 {
		switch {
		case n <= 125:
			form = 0
		case n <= 65535:
			form = 2
		default:
			form = 8
		}
	}
	b := []byte{f.first}
	switch form {
	case 0:
		b = append(b, byte(n))
	case 2:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	case 8:
		b = binary.BigEndian.AppendUint64(append(b, 127), n)
	}
	if !masked {
		return append(b, f.payload...)
	}
	b[1] |= 0x80
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d} // the RFC's example, §5.7
	b = append(b, key[:]...)
	for i := range len(f.payload) {
		b = append(b, f.payload[i]^key[i%4])
	}
	return b
}

// readRaw reads a frame and says how it was masked.
func readRaw(r io.Reader) (f rawFrame, masked bool, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return f, false, err
	}
	f.first, f.form = b[0], -1
	masked = b[1]&0x80 != 0
	n := uint64(b[1] & 0x7f)
	switch n {
	case 126:
		_, err = io.ReadFull(r, b[:2])
		n = uint64(binary.BigEndian.Uint16(b[:2]))
	case 127:
		_, err = io.ReadFull(r, b[:8])
		n = binary.BigEndian.Uint64(b[:8])
	}
	if err != nil {
		return f, masked, err
	}
	var key [4]byte
	if masked {
		if _, err := io.ReadFull(r, key[:]); err != nil {
			return f, masked, err
		}
	}
	p := make([]byte, n)
	_, err = io.ReadFull(r, p)
	for i := range p {
		p[i] ^= key[i%4]
	}
	f.payload = string(p)
	return f, masked, err
}

// tcpPair is a connection over loopback; pipePair one in memory, where each
// write waits for its read.
func tcpPair(t testing.TB) (a, b net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := ln.Accept()
		accepted <- c
	}()
	a, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	b = <-accepted
	require.NotNil(t, b)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func pipePair(t testing.TB) (a, b net.Conn) {
	a, b = net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// peer is the other end of a Conn, by hand.
type peer struct {
	net.Conn
	br     *bufio.Reader
	client bool // this peer is the client: it masks
}

// open makes a Conn of the role and its peer.
func open(t testing.TB, pair func(testing.TB) (net.Conn, net.Conn), client bool, cfg connConfig) (*Conn, *peer) {
	a, b := pair(t)
	cfg.client = client
	if client && cfg.rand == nil {
		cfg.rand = zeroes{}
	}
	c := newConn(a, cfg)
	t.Cleanup(func() { c.CloseNow() })
	return c, &peer{Conn: b, br: bufio.NewReader(b), client: !client}
}

func (p *peer) send(t testing.TB, frames ...rawFrame) {
	for _, f := range frames {
		_, err := p.Write(f.bytes(p.client))
		require.NoError(t, err)
	}
}

func (p *peer) receive(t testing.TB) rawFrame {
	f, masked, err := readRaw(p.br)
	require.NoError(t, err)
	require.Equal(t, !p.client, masked, "only a client masks")
	return f
}

// zeroes is a source of masks for tests that do not look at them.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
