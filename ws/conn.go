package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"strata/trace"
)

const (
	defaultReadLimit    = 1 << 20
	defaultCloseTimeout = 5 * time.Second
	defaultHoldTimeout  = 10 * time.Second
)

// Conn is a WebSocket connection. One goroutine reads at a time (a second one
// waits for the first); any number may write, ping and close.
type Conn struct {
	conn       net.Conn
	kernel     syscall.RawConn // conn's descriptor; nil: it is not the kernel's
	client     bool
	closeSent  bool // under the frames gate: nothing may follow
	keepUnsent bool // a frame that is half out is finished by the next; set before any Write
	*settings
	tracer    *tracer    // nil: nobody wants to know
	deflate   *deflate   // nil: messages are not compressed
	events    *events    // nil: nobody called Handle
	keepAlive *keepAlive // nil: none

	// Receiving; whoever has the reading gate.
	reading      gate
	recv         receiver
	in           readBuffer
	reader       *messageReader           // has the message under way; nil: Read has, or nobody
	partial      *[]byte                  // of the message under way, from a Read that was cancelled; nil: none
	readLimit    atomic.Int64             // negative: none
	readDeadline atomic.Pointer[deadline] // made when it is needed, as the next

	// Sending. A message has the writing gate, and for each of its frames the
	// frames gate; a control frame has only that, so it may go between them.
	writing       gate
	frames        gate
	held          holder
	unsent        *[]byte     // the rest of a frame that is half out; under frames, nil: there is none
	masks         *maskSource // a client's
	writeDeadline atomic.Pointer[deadline]
	pong          pongSlot
	pings         atomic.Pointer[pingList] // nil: none yet

	closing atomic.Bool // Close was called, here
	over    atomic.Bool // the connection ended

	mu     sync.Mutex
	ending *outcome      // nil: it is not decided how the connection ends
	done   chan struct{} // closed after the connection ended; nil: nobody waits for that yet
}

// settings are what does not change, and is the same for many connections.
type settings struct {
	subprotocol  string
	closeTimeout time.Duration
	writeTimeout time.Duration // 0: none
	now          func() time.Time
}

// lastSettings are those of the last connection with the clock of the system.
var lastSettings atomic.Pointer[settings]

// newSettings are cfg's; connections one after the other share them where they are
// the same.
func newSettings(cfg *connConfig) *settings {
	s := settings{cfg.subprotocol, cfg.closeTimeout, max(0, cfg.writeTimeout), cfg.now}
	if s.closeTimeout <= 0 {
		s.closeTimeout = defaultCloseTimeout
	}
	if s.now != nil {
		return &s
	}
	if last := lastSettings.Load(); last != nil &&
		s.subprotocol == last.subprotocol && s.closeTimeout == last.closeTimeout && s.writeTimeout == last.writeTimeout {
		return last
	}
	s.now = time.Now
	lastSettings.Store(&s)
	return &s
}

// outcome is how a connection ends.
type outcome struct {
	why    error // whatever ends it in the end; nil: not decided
	err    error // why it ended; nil: it did not
	closed bool  // conn is
}

// connConfig is what both handshakes know when they are done.
type connConfig struct {
	client       bool
	subprotocol  string
	readLimit    int64         // 0: the default
	closeTimeout time.Duration // 0 or less: the default
	writeTimeout time.Duration // 0 or less: none
	keepAlive    KeepAlive
	compression  *Compression   // with deflate
	deflate      *deflateParams // nil: no compression
	buffered     []byte         // what came after the handshake
	rand         io.Reader      // of a client's masks
	recorder     trace.Recorder
	host         string
	now          func() time.Time // nil: time.Now
}

func newConn(conn net.Conn, cfg connConfig) *Conn {
	c := &Conn{
		conn:     conn,
		settings: newSettings(&cfg),
		client:   cfg.client,
		recv:     receiver{fromClient: !cfg.client, deflate: cfg.deflate != nil},
		in:       newReadBuffer(cfg.buffered),
		kernel:   kernelConn(conn),
	}
	c.tracer = newTracer(cfg.recorder, cfg.host, c.now, conn)
	if cfg.client {
		c.masks = &maskSource{rand: cfg.rand}
	}
	if cfg.deflate != nil {
		c.deflate = newDeflate(cfg.compression, cfg.deflate, cfg.client)
	}
	c.SetReadLimit(cfg.readLimit)
	c.startKeepAlive(cfg.keepAlive)
	return c
}

// SetReadLimit sets the largest message that is read, in bytes: from the next
// frame on, also of a message that has begun. 0 is the default, 1 MiB; negative is
// no limit. A larger message fails the connection with [StatusMessageTooBig] as
// soon as a frame announces it, or, of a compressed one, when that much of it is
// inflated.
//
// Without a limit the peer decides how much memory a Read takes. What it sends it
// must at least send, but compressed a thousandth of it is enough: 1 MiB becomes
// 1 GiB. Where messages have no largest size take them by [Conn.Reader], which
// holds no more than a window of them.
func (c *Conn) SetReadLimit(n int64) {
	if n == 0 {
		n = defaultReadLimit
	}
	c.readLimit.Store(n)
}

// Subprotocol is what the handshake agreed on; empty: nothing.
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Done is closed when the connection has ended, whatever ended it, and the handler
// it was accepted in may return.
func (c *Conn) Done() <-chan struct{} {
	if s, ok := c.conn.(*httpStream); ok && s.released != nil {
		return s.released
	}
	return c.whenEnded()
}

// whenEnded is closed when the connection has ended.
func (c *Conn) whenEnded() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.ending != nil && c.ending.closed {
			close(c.done)
		}
	}
	return c.done
}

// NetConn is the connection below, for its addresses, options and statistics; over
// HTTP/2 that is the stream. Whoever reads it, writes to it or sets its deadlines
// breaks the WebSocket.
func (c *Conn) NetConn() net.Conn { return c.conn }

// LocalAddr is the local address of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// end ends the connection below, for the reason of the first call, which it
// returns.
func (c *Conn) end(err error) error {
	c.mu.Lock()
	how := c.decided()
	if how.err != nil {
		c.mu.Unlock()
		return how.err
	}
	if how.err = how.why; how.why == nil {
		how.err = err
	}
	err = how.err
	c.over.Store(true)
	e := c.events
	e.stop()
	c.mu.Unlock()
	c.conn.Close()
	e.forget()
	c.mu.Lock()
	how.closed = true
	if c.done != nil {
		close(c.done)
	}
	c.mu.Unlock()
	c.keepAlive.stop()
	e.wake()
	return err
}

// giveUp ends the connection for what could not be sent, but where it is closing:
// that has its own end, and a bound.
func (c *Conn) giveUp(err error) {
	if c.closing.Load() {
		return
	}
	c.mu.Lock()
	closing := c.ending != nil && c.ending.why != nil
	c.mu.Unlock()
	if !closing {
		c.end(err)
	}
}

// decide says why the connection will have ended before that is done: a close
// frame that came counts, also where its answer cannot be sent.
func (c *Conn) decide(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if how := c.decided(); how.why == nil {
		how.why = why
	}
}

// decided is how the connection ends. The caller has mu.
func (c *Conn) decided() *outcome {
	if c.ending == nil {
		c.ending = new(outcome)
	}
	return c.ending
}

// ended is why the connection ended, nil while it has not.
func (c *Conn) ended() error {
	if !c.over.Load() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending.err
}

// waitError is why a gate was not had: the context's end, or the connection's.
func (c *Conn) waitError(ctx context.Context) error {
	if err := c.ended(); err != nil {
		return err
	}
	return ctx.Err()
}

// alreadyClosed is the error of an operation that comes too late: it is
// net.ErrClosed and says why the connection ended.
func alreadyClosed(cause error) error {
	if errors.Is(cause, net.ErrClosed) {
		return cause
	}
	return fmt.Errorf("%w: %w", net.ErrClosed, cause)
}
