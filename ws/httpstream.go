package ws

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// httpStream is an HTTP/2 stream as a net.Conn. net/http has none: its deadlines
// end the stream, and ours must be harmless. So each direction is a pipe, which
// has deadlines, and somebody at its other end who reads the body or writes it.
type httpStream struct {
	in, out       net.Conn // our ends of the pipes
	body, frames  net.Conn // the other ends: what has come, and what is to be sent
	local, remote net.Addr
	end           func() // ends the stream, after in and out were closed

	// released is closed when nothing of ours uses the stream any more, so that
	// the handler it belongs to may return; nil: there is no handler.
	released chan struct{}

	mu       sync.Mutex
	readWhy  error // why no more comes; nil: the peer's orderly end
	writeWhy error // why nothing can be sent; nil: it is readWhy, or the stream was closed here
}

var _ net.Conn = (*httpStream)(nil)

func newHTTPStream(local, remote net.Addr) *httpStream {
	s := &httpStream{local: local, remote: remote}
	s.in, s.body = net.Pipe()
	s.out, s.frames = net.Pipe()
	return s
}

// receiveBuffer is how much of a body is read at once, bytes: what a DATA frame
// has at most where nothing else was agreed (RFC 9113 §6.5.2).
const receiveBuffer = 16 << 10

// receive hands on what comes, until nothing more does.
func (s *httpStream) receive(r io.Reader) {
	defer s.body.Close()
	buf := make([]byte, receiveBuffer)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := s.body.Write(buf[:n]); err != nil {
				return // closed, here
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.brokeReading(err)
			}
			return
		}
	}
}

// brokeReading says why no more comes, brokeWriting why nothing can be sent. The
// first reason counts.
func (s *httpStream) brokeReading(why error) { s.broke(&s.readWhy, why) }
func (s *httpStream) brokeWriting(why error) { s.broke(&s.writeWhy, why) }

func (s *httpStream) broke(direction *error, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *direction == nil {
		*direction = fmt.Errorf("the HTTP/2 stream ended: %w", why)
	}
}

func (s *httpStream) reasons() (read, write error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readWhy, s.writeWhy
}

// Read implements net.Conn.
func (s *httpStream) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		if why, _ := s.reasons(); why != nil {
			err = why
		}
	case errors.Is(err, io.ErrClosedPipe):
		err = net.ErrClosed
	}
	return n, err
}

// Write implements net.Conn. It returns when HTTP/2 has sent p, or has taken it
// all and the deadline passed.
func (s *httpStream) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	if err == nil {
		// The other end reads again when what it had was sent. An error here
		// is not p's: the next Write has it.
		_, _ = s.out.Write(nil)
	}
	if errors.Is(err, io.ErrClosedPipe) {
		read, write := s.reasons()
		err = cmp.Or(write, read, net.ErrClosed)
	}
	return n, err
}

// Close implements net.Conn.
func (s *httpStream) Close() error {
	s.in.Close()
	s.out.Close()
	s.end()
	return nil
}

// LocalAddr implements net.Conn: the address of the connection below HTTP/2.
func (s *httpStream) LocalAddr() net.Addr { return s.local }

// RemoteAddr implements net.Conn: the address of the connection below HTTP/2.
func (s *httpStream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline implements net.Conn.
func (s *httpStream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (s *httpStream) SetReadDeadline(t time.Time) error { return s.in.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (s *httpStream) SetWriteDeadline(t time.Time) error { return s.out.SetWriteDeadline(t) }

// streamAddr is an address that is no IP address and port.
type streamAddr string

func (a streamAddr) Network() string { return "tcp" }
func (a streamAddr) String() string  { return string(a) }

func parseAddr(s string) net.Addr {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return streamAddr(s)
	}
	return net.TCPAddrFromAddrPort(ap)
}
