package ws

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// NewStream is a net.Conn over c: what is written leaves in messages of typ, and
// what is read is the messages' bytes one after the other. The peer's close with
// StatusNormalClosure or StatusGoingAway is io.EOF; Close closes with
// StatusNormalClosure.
//
// A deadline that is exceeded does no harm, as with a net.Conn of TCP: a Write of
// which part is out then counts as written, and what is left of it leaves before
// anything else, with the next Write, ping or Close. Only over TLS, whose records
// cannot be taken up again, it ends the connection (crypto/tls is the same). Nobody
// may be writing to c while NewStream is called.
func NewStream(c *Conn, typ MessageType) net.Conn {
	c.keepUnsent = true
	s := &stream{c: c, typ: typ}
	s.read.init()
	s.write.init()
	return s
}

type stream struct {
	c           *Conn
	typ         MessageType
	read, write streamDeadline

	closed  atomic.Bool // Close was called
	reading sync.Mutex
	message io.Reader // under way; nil: none
}

var _ net.Conn = (*stream)(nil)

// Read implements net.Conn.
func (s *stream) Read(p []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	ctx := s.read.context()
	if ctx.Err() != nil {
		return 0, s.readError(ctx, ctx.Err())
	}
	for {
		if s.message == nil {
			_, m, err := s.c.Reader(ctx)
			if err != nil {
				return 0, s.readError(ctx, err)
			}
			s.message = m
		}
		if m, ok := s.message.(*messageReader); ok {
			m.ctx = ctx // the deadline may be another than when the message began
		}
		n, err := s.message.Read(p)
		switch {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			s.message = nil
			if n > 0 {
				return n, nil
			}
		case err != nil:
			return n, s.readError(ctx, err)
		default:
			return n, nil
		}
	}
}

func (s *stream) readError(ctx context.Context, err error) error {
	switch code := CloseStatus(err); {
	case s.closed.Load():
		err = net.ErrClosed
	case code == StatusNormalClosure || code == StatusGoingAway:
		if !errors.Is(err, net.ErrClosed) {
			return io.EOF
		}
		err = net.ErrClosed
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		err = os.ErrDeadlineExceeded
	}
	return s.opError("read", err)
}

// Write implements net.Conn: each call is a message.
func (s *stream) Write(p []byte) (int, error) {
	ctx := s.write.context()
	if ctx.Err() != nil {
		return 0, s.opError("write", os.ErrDeadlineExceeded)
	}
	if err := s.c.Write(ctx, s.typ, p); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = os.ErrDeadlineExceeded
		}
		return 0, s.opError("write", err)
	}
	return len(p), nil
}

func (s *stream) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "websocket", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// Close implements net.Conn. Only the first one is without an error, also where
// the peer closed before.
func (s *stream) Close() error {
	if s.closed.Swap(true) {
		return s.opError("close", net.ErrClosed)
	}
	s.read.set(past)
	err := s.c.Close(StatusNormalClosure, "")
	if err == nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return s.opError("close", err)
}

// LocalAddr implements net.Conn.
func (s *stream) LocalAddr() net.Addr { return s.c.LocalAddr() }

// RemoteAddr implements net.Conn.
func (s *stream) RemoteAddr() net.Addr { return s.c.RemoteAddr() }

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(t time.Time) error { return s.setDeadline(&s.read, t) }

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error { return s.setDeadline(&s.write, t) }

func (s *stream) setDeadline(d *streamDeadline, t time.Time) error {
	if err := s.c.ended(); err != nil {
		return s.opError("set deadline", net.ErrClosed)
	}
	if !t.IsZero() {
		t = time.Now().Add(t.Sub(s.c.now())) // the connection's clock may be another
	}
	d.set(t)
	return nil
}

// streamDeadline is a deadline as a context: what is under way sees a deadline
// that is set meanwhile, as net.Conn wants it.
type streamDeadline struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
	timer  *time.Timer
}

func (d *streamDeadline) init() { d.ctx, d.cancel = context.WithCancel(context.Background()) }

func (d *streamDeadline) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx
}

func (d *streamDeadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.ctx.Err() != nil {
		d.init()
	}
	switch left := time.Until(t); {
	case t.IsZero():
	case left <= 0:
		d.cancel()
	default:
		cancel := d.cancel
		d.timer = time.AfterFunc(left, func() { cancel() })
	}
}
