package udp

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gudp "gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"strata/stack"
)

// Conn is a UDP endpoint: one that listens (ReadFrom and WriteTo), or one that
// was dialled and speaks with one peer (Read and Write). Any number of
// goroutines may use it at once.
type Conn struct {
	host    *stack.Host
	network string
	family  family
	ep      tcpip.Endpoint
	queue   waiter.Queue
	entry   waiter.Entry // registered for as long as the connection is open
	local   *net.UDPAddr
	remote  *net.UDPAddr // nil where not dialled
	closed  atomic.Bool
	guard   guard

	in   side
	read sync.Mutex // around one call of the endpoint, never around a wait
	into datagram   // here so that it is not allocated a Read

	out   side
	write sync.Mutex        // as read
	from  bytes.Reader      // as into
	to    tcpip.FullAddress // as into
}

var (
	_ net.Conn       = (*Conn)(nil)
	_ net.PacketConn = (*Conn)(nil)
)

// newConn makes a Conn that is neither bound nor connected yet.
func newConn(h *stack.Host, network string, f family, readBuffer, writeBuffer int) (*Conn, error) {
	c := &Conn{host: h, network: network, family: f}
	c.in.init()
	c.out.init()
	ep, terr := h.Stack().NewEndpoint(gudp.ProtocolNumber, f.protocol(), &c.queue)
	if terr != nil {
		return nil, os.NewSyscallError("socket", stack.Errno(terr))
	}
	c.ep = ep
	options := ep.SocketOptions()
	options.SetV6Only(f == v6)
	options.SetBroadcast(true) // as net does
	c.guard.init(ep)
	if readBuffer > 0 {
		c.guard.resize(readBuffer)
	}
	if writeBuffer > 0 {
		c.resizeWrite(writeBuffer)
	}
	c.entry.Init((*notify)(c), waiter.ReadableEvents|waiter.WritableEvents|waiter.EventHUp|waiter.EventErr)
	c.queue.EventRegister(&c.entry)
	return c, nil
}

// bound notes the addresses that the endpoint has got.
func (c *Conn) bound() {
	a, terr := c.ep.GetLocalAddress()
	if terr == nil {
		c.local = net.UDPAddrFromAddrPort(stack.AddrPort(a))
	}
	if c.local == nil || c.local.IP == nil {
		ip := net.IPv6unspecified
		if c.family == v4 {
			ip = net.IPv4zero
		}
		c.local = &net.UDPAddr{IP: ip, Port: int(a.Port)}
	}
	if a, terr := c.ep.GetRemoteAddress(); terr == nil {
		c.remote = net.UDPAddrFromAddrPort(stack.AddrPort(a))
	}
}

// notify is the Conn as the listener of its endpoint. gVisor may call it under
// the endpoint's lock, so it only leaves tokens.
type notify Conn

func (n *notify) NotifyEvent(mask waiter.EventMask) {
	if mask&(waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr) != 0 {
		n.guard.arrived()
		n.host.Wake(n.in.due)
	}
	if mask&(waiter.WritableEvents|waiter.EventHUp|waiter.EventErr) != 0 {
		n.host.Wake(n.out.due)
	}
}

// Close frees the port. Calls that wait return net.ErrClosed; so does a second
// Close.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", c.remoteAddr(), net.ErrClosed)
	}
	c.queue.EventUnregister(&c.entry)
	c.ep.Close()
	c.in.by.Stop()
	c.out.by.Stop()
	c.in.wake()
	c.out.wake()
	c.host.Touch()
	return nil
}

// LocalAddr is our end, a *net.UDPAddr; [::] or 0.0.0.0 is every address.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the peer's end, a *net.UDPAddr; nil where the Conn was not
// dialled.
func (c *Conn) RemoteAddr() net.Addr { return c.remoteAddr() }

// remoteAddr is nil, not a nil *net.UDPAddr, where there is none.
func (c *Conn) remoteAddr() net.Addr {
	if c.remote == nil {
		return nil
	}
	return c.remote
}

// SetDeadline sets both deadlines, moments on the host's clock.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline makes reads fail with os.ErrDeadlineExceeded from t on, also
// those that wait now. The zero t takes the deadline away.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.in, t) }

// SetWriteDeadline is SetReadDeadline for writes. They wait only where the send
// buffer is full: of datagrams that the link was given and has not sent yet.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.out, t) }

func (c *Conn) setDeadline(s *side, t time.Time) error {
	if c.closed.Load() {
		return c.setError(net.ErrClosed)
	}
	s.by.Set(c.host.Loop(), t, s.due)
	if c.closed.Load() {
		s.by.Stop() // closed meanwhile: no timer may stay behind
	}
	return nil
}

// SetReadBuffer sets the receive buffer's size in bytes of payload; datagrams
// that find it full are dropped. What is outside of the stack's limits, 4 KiB
// and 4 MiB, becomes the limit.
func (c *Conn) SetReadBuffer(bytes int) error {
	if c.closed.Load() {
		return c.setError(net.ErrClosed)
	}
	c.guard.resize(bytes)
	return nil
}

// SetWriteBuffer sets the send buffer's size in bytes, within the same limits.
func (c *Conn) SetWriteBuffer(bytes int) error {
	if c.closed.Load() {
		return c.setError(net.ErrClosed)
	}
	c.resizeWrite(bytes)
	return nil
}

func (c *Conn) resizeWrite(bytes int) {
	options := c.ep.SocketOptions()
	lowest, highest := options.SendBufferLimits()
	options.SetSendBufferSize(min(max(int64(bytes), lowest), highest), true)
}

// opError is err as the net package dresses it.
func (c *Conn) opError(op string, addr net.Addr, err error) error {
	return &net.OpError{Op: op, Net: c.network, Source: c.local, Addr: addr, Err: err}
}

// setError is the same of what the Set methods do.
func (c *Conn) setError(err error) error {
	return &net.OpError{Op: "set", Net: c.network, Addr: c.local, Err: err}
}

// udpAddr is a as an operand of an error.
func udpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(a)
}
