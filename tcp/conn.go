package tcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"strata/stack"
	"strata/trace"
	"strata/trace/tlsrecord"
)

// Conn is a TCP connection. Any number of goroutines may use it at once.
type Conn struct {
	host          *stack.Host
	ep            *gtcp.Endpoint
	queue         *waiter.Queue
	entry         waiter.Entry // registered for as long as the connection is open
	local, remote net.TCPAddr
	opening       opening
	closed        atomic.Bool
	failure       atomic.Uint32 // the syscall.Errno by which the connection broke; 0 where nobody was told yet

	wakeReader, wakeWriter, wakeOnReadable func() // here so that they are not allocated a call

	sent, received atomic.Uint64 // payload bytes the stack took from, gave to the user

	reading  turn
	readable bell
	readBy   deadline
	into     tcpip.SliceWriter // the reader's buffer; here so that it is not allocated a Read

	onReadable atomic.Pointer[func()]

	writing  turn
	writable bell
	writeBy  deadline
	from     bytes.Reader // the writer's bytes; as into

	tls atomic.Pointer[tlsrecord.Conn] // see recordStream; nil where it is not TLS, or nobody is told details
}

var (
	_ net.Conn        = (*Conn)(nil)
	_ io.ReaderFrom   = (*Conn)(nil)
	_ io.WriterTo     = (*Conn)(nil)
	_ tcpip.Payloader = (*bytes.Reader)(nil)
)

// newConn makes the connection of an established endpoint.
func newConn(h *stack.Host, endpoint tcpip.Endpoint, queue *waiter.Queue) *Conn {
	ep := endpoint.(*gtcp.Endpoint) // TCP has no other
	c := &Conn{host: h, ep: ep, queue: queue}
	c.wakeReader, c.wakeWriter, c.wakeOnReadable = c.readable.ring, c.writable.ring, c.becomeReadable
	if a, err := ep.GetLocalAddress(); err == nil {
		c.local = tcpAddr(a)
	}
	if a, err := ep.GetRemoteAddress(); err == nil {
		c.remote = tcpAddr(a)
	}
	state := stateOf(h)
	if opened := state.handshakes.take(c.Flow()); !opened.SYN.IsZero() {
		c.opening = opened.compact()
		shift, _, _ := c.opening.shifts()
		h.DelayAcks(ep, opened.RemoteISN+1, shift)
	}
	state.add(c)
	if stats, ok := ep.Stats().(*gtcp.Stats); ok && h.Detail() != nil {
		state.senders.follow(c.Flow(), stats)
	}
	c.entry.Init((*notify)(c), waiter.ReadableEvents|waiter.WritableEvents|waiter.EventHUp|waiter.EventErr)
	queue.EventRegister(&c.entry)
	c.record(trace.Connection{State: "ESTABLISHED"})
	return c
}

func (c *Conn) record(change trace.Connection) {
	if rec := c.host.Recorder(); trace.Wants(rec, trace.Flow{}, trace.Outline) {
		rec.Record(trace.Event{At: c.host.Loop().Now(), Host: c.host.Name(), Flow: c.Flow(), What: change})
	}
}

// notify is the Conn as the listener of its endpoint. gVisor may call it under
// the endpoint's lock, so it only leaves a token.
type notify Conn

func (n *notify) NotifyEvent(mask waiter.EventMask) {
	if mask&(waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr) != 0 {
		n.host.Wake(n.wakeReader)
		if n.onReadable.Load() != nil {
			n.host.Wake(n.wakeOnReadable)
		}
	}
	if mask&(waiter.WritableEvents|waiter.EventHUp|waiter.EventErr) != 0 {
		n.host.Wake(n.wakeWriter)
	}
}

// Read reads up to len(p) bytes; io.EOF says that the peer has closed its
// direction (FIN), or CloseRead ours, and that everything was read. On a
// connection that broke, every Read says by what: syscall.ECONNRESET, where the
// peer has reset it.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil && err != io.EOF {
		err = c.opError("read", err)
	}
	return n, err
}

func (c *Conn) read(p []byte) (int, error) {
	c.reading.take()
	defer c.reading.give()
	for {
		switch {
		case c.closed.Load():
			return 0, net.ErrClosed
		case c.readBy.expired():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		}
		n, terr := c.readOnce(p)
		switch terr.(type) {
		case nil:
			return n, nil
		case *tcpip.ErrWouldBlock:
			c.host.Touch()
			c.readable.wait()
		default:
			return 0, c.readError(terr)
		}
	}
}

// readOnce reads what is there. It is the turn of whoever calls it.
func (c *Conn) readOnce(p []byte) (int, tcpip.Error) {
	c.into = p
	res, terr := c.ep.Read(&c.into, tcpip.ReadOptions{})
	c.into = nil
	if terr != nil {
		return 0, terr
	}
	c.ep.ModerateRecvBuf(res.Count)
	received := c.received.Add(uint64(res.Count))
	c.recordStream(trace.In, received, p[:res.Count])
	c.host.Touch() // the window may have opened
	return res.Count, nil
}

// readError is what a Read returns where the endpoint has no more.
func (c *Conn) readError(terr tcpip.Error) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	_, ended := terr.(*tcpip.ErrClosedForReceive)
	switch {
	case c.broken():
		// The stack tells of that once, to a Read or a Write, and then of an
		// end: as a kernel does, where a Read that comes second takes it for
		// the peer's FIN. We tell every Read.
		if !ended {
			c.remember(terr)
		}
		if errno := c.failure.Load(); errno != 0 {
			return os.NewSyscallError("read", syscall.Errno(errno))
		}
		return os.NewSyscallError("read", syscall.ECONNRESET)
	case ended || c.finished():
		return io.EOF
	}
	return os.NewSyscallError("read", connErrno(terr))
}

// broken says that the connection ended by an error, and not behind the peer's
// FIN or our CloseRead, which end the reading before.
func (c *Conn) broken() bool {
	return c.ep.EndpointState() == gtcp.StateError && !c.finished()
}

// finished says that the peer's FIN has come, or that CloseRead was called.
func (c *Conn) finished() bool {
	ep := c.ep
	ep.LockUser()
	defer ep.UnlockUser()
	return ep.RcvClosed
}

// remember keeps the error by which the connection broke: the stack does not.
func (c *Conn) remember(terr tcpip.Error) {
	if errno, ok := connErrno(terr).(syscall.Errno); ok {
		c.failure.CompareAndSwap(0, uint32(errno))
	}
}

// connErrno is the errno of an operation on a connection that was
// established: what is not connected any more was reset or aborted.
func connErrno(terr tcpip.Error) error {
	if _, ok := terr.(*tcpip.ErrNotConnected); ok {
		return syscall.ECONNRESET
	}
	return stack.Errno(terr)
}

// Write writes all of p, and waits while the send buffer is full. An error
// comes with the number of bytes that were taken.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.write(p)
	if err != nil {
		err = c.opError("write", err)
	}
	return n, err
}

func (c *Conn) write(p []byte) (int, error) {
	c.writing.take()
	defer c.writing.give()
	defer c.from.Reset(nil)
	for done := 0; ; {
		switch {
		case c.closed.Load():
			return done, net.ErrClosed
		case c.writeBy.expired():
			return done, os.ErrDeadlineExceeded
		case done == len(p):
			return done, nil
		}
		c.from.Reset(p[done:])
		n, terr := c.ep.Write(&c.from, tcpip.WriteOptions{})
		done += int(n)
		sent := c.sent.Add(uint64(n))
		if n > 0 {
			c.recordStream(trace.Out, sent, p[done-int(n):done])
			c.host.Touch()
		}
		switch terr.(type) {
		case nil:
			if done == len(p) {
				return done, nil
			}
		case *tcpip.ErrWouldBlock:
			c.host.Touch()
			c.writable.wait()
		default:
			if c.closed.Load() {
				return done, net.ErrClosed
			}
			if _, ended := terr.(*tcpip.ErrClosedForSend); !ended && c.broken() {
				c.remember(terr)
			}
			return done, os.NewSyscallError("write", stack.Errno(terr))
		}
	}
}

// copyBuffers are for ReadFrom and WriteTo: as large as what the stack moves at
// a time.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadFrom sends what r gives, until it ends.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(onlyWriter{c}, onlyReader{r}, buf[:])
}

// WriteTo gives w what is received, until the peer's FIN.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(onlyWriter{w}, onlyReader{c}, buf[:])
}

// These hide the methods by which io.CopyBuffer would come back to us.
type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)

// Close ends the connection: what was written is still sent, then FIN; what was
// received and not read makes it a reset, as in a kernel. Calls that wait
// return net.ErrClosed. A second Close returns net.ErrClosed too.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	c.queue.EventUnregister(&c.entry)
	c.ep.Close()
	stateOf(c.host).remove(c)
	c.readBy.stop()
	c.writeBy.stop()
	c.host.Wake(c.wakeReader)
	c.host.Wake(c.wakeWriter)
	c.host.Wake(c.wakeOnReadable)
	c.record(trace.Connection{State: "CLOSED", Sent: c.sent.Load(), Received: c.received.Load()})
	c.host.Touch()
	return nil
}

// CloseRead shuts the receiving direction: Read gives io.EOF from now on. The
// peer is told nothing.
func (c *Conn) CloseRead() error { return c.shutdown(tcpip.ShutdownRead) }

// CloseWrite shuts the sending direction, by FIN behind what was written. The
// peer's answer can still be read.
func (c *Conn) CloseWrite() error { return c.shutdown(tcpip.ShutdownWrite) }

func (c *Conn) shutdown(how tcpip.ShutdownFlags) error {
	if c.closed.Load() {
		return c.opError("close", net.ErrClosed)
	}
	defer c.host.Touch()
	if terr := c.ep.Shutdown(how); terr != nil {
		return c.opError("close", os.NewSyscallError("shutdown", stack.Errno(terr)))
	}
	return nil
}

// LocalAddr is our end, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return &c.local }

// RemoteAddr is the peer's end, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return &c.remote }

// Flow is both ends.
func (c *Conn) Flow() trace.Flow { return trace.FlowOf(&c.local, &c.remote) }

// Handshake is how the connection was opened.
func (c *Conn) Handshake() Handshake { return c.opening.handshake() }

// SetDeadline sets both deadlines, moments on the host's clock.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline makes Reads fail with os.ErrDeadlineExceeded from t on, also
// those that wait now. The zero t takes the deadline away.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	c.readBy.set(c.host.Loop(), t, c.wakeReader)
	if c.closed.Load() {
		c.readBy.stop() // Close may not have seen this one
	}
	return nil
}

// SetWriteDeadline is SetReadDeadline for Writes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	c.writeBy.set(c.host.Loop(), t, c.wakeWriter)
	if c.closed.Load() {
		c.writeBy.stop()
	}
	return nil
}

// option runs f on the endpoint of a connection that is open.
func (c *Conn) option(f func() tcpip.Error) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	if terr := f(); terr != nil {
		return c.opError("set", os.NewSyscallError("setsockopt", stack.Errno(terr)))
	}
	return nil
}

// SetNoDelay sends small writes at once (true, as at first) or gathers them
// while data is unacknowledged (Nagle's algorithm, RFC 9293 §3.7.4).
func (c *Conn) SetNoDelay(noDelay bool) error {
	return c.option(func() tcpip.Error { c.ep.SocketOptions().SetDelayOption(!noDelay); return nil })
}

// SetLinger says what Close does with what is not sent yet: below 0, as at
// first, and above 0 it is sent in the background; 0 drops it and resets the
// connection.
func (c *Conn) SetLinger(sec int) error {
	return c.option(func() tcpip.Error {
		c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: sec >= 0, Timeout: time.Duration(sec) * time.Second})
		return nil
	})
}

// SetKeepAlive turns keepalive probes on or off (RFC 9293 §3.8.4).
func (c *Conn) SetKeepAlive(on bool) error {
	return c.option(func() tcpip.Error { c.ep.SocketOptions().SetKeepAlive(on); return nil })
}

// SetKeepAliveConfig sets when keepalive probes are sent. Fields that are 0 get
// the standard library's defaults (15 s, 15 s, 9), negative ones stay as they
// are.
func (c *Conn) SetKeepAliveConfig(k net.KeepAliveConfig) error {
	return c.option(func() tcpip.Error { return setKeepAlive(c.ep, k) })
}

// SetReadBuffer sets the receive buffer's size in bytes, and with it the
// largest window; the stack then no longer adapts it.
func (c *Conn) SetReadBuffer(bytes int) error {
	return c.option(func() tcpip.Error {
		c.ep.SocketOptions().SetReceiveBufferSize(int64(bytes), true)
		return nil
	})
}

// SetWriteBuffer sets the send buffer's size in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error {
	return c.option(func() tcpip.Error { c.ep.SocketOptions().SetSendBufferSize(int64(bytes), true); return nil })
}

// SetCongestionControl chooses the algorithm, "reno" or "cubic", for what is
// sent from now on.
func (c *Conn) SetCongestionControl(name string) error {
	return c.option(func() tcpip.Error {
		cc := tcpip.CongestionControlOption(name)
		return c.ep.SetSockOpt(&cc)
	})
}

// SetUserTimeout ends the connection with ETIMEDOUT where sent data stays
// unacknowledged for d (RFC 5482); 0 leaves it to the retransmission limit.
func (c *Conn) SetUserTimeout(d time.Duration) error {
	return c.option(func() tcpip.Error {
		o := tcpip.TCPUserTimeoutOption(d)
		return c.ep.SetSockOpt(&o)
	})
}

// opError is err as the net package dresses it.
func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: &c.local, Addr: &c.remote, Err: err}
}

func setKeepAlive(ep tcpip.Endpoint, k net.KeepAliveConfig) tcpip.Error {
	or := func(v, def time.Duration) time.Duration {
		if v == 0 {
			return def
		}
		return v
	}
	if idle := or(k.Idle, 15*time.Second); idle > 0 {
		o := tcpip.KeepaliveIdleOption(idle)
		if err := ep.SetSockOpt(&o); err != nil {
			return err
		}
	}
	if interval := or(k.Interval, 15*time.Second); interval > 0 {
		o := tcpip.KeepaliveIntervalOption(interval)
		if err := ep.SetSockOpt(&o); err != nil {
			return err
		}
	}
	if count := int(or(time.Duration(k.Count), 9)); count > 0 {
		if err := ep.SetSockOptInt(tcpip.KeepaliveCountOption, count); err != nil {
			return err
		}
	}
	ep.SocketOptions().SetKeepAlive(k.Enable)
	return nil
}

// keepAlive is net.ListenConfig's and net.Dialer's rule for their field of that
// name: 0 is on, below 0 is off.
func keepAlive(d time.Duration) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: d >= 0, Idle: max(d, 0), Interval: max(d, 0)}
}

// contextError is what net gives where a context ended a call: both worlds'
// errors are found in it.
func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || context.Cause(ctx) == error(timeoutError{}) {
		return timeoutError{}
	}
	return ctx.Err()
}

type timeoutError struct{}

var _ net.Error = timeoutError{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Is(err error) bool {
	return err == context.DeadlineExceeded || err == os.ErrDeadlineExceeded
}
