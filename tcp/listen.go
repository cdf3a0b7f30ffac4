package tcp

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"strata/clock"
	"strata/stack"
)

// DefaultBacklog is how many connections may wait for Accept; what comes
// beyond gets SYN cookies, and with them neither window scaling nor SACK.
const DefaultBacklog = 4096

// ListenConfig listens on a host. It is what net.ListenConfig is.
type ListenConfig struct {
	Host *stack.Host // must be set

	Backlog int // connections waiting for Accept at most; 0 is DefaultBacklog

	// KeepAlive is the idle time before keepalive probes on accepted
	// connections, and the time between them; 0 is 15 s, below 0 is none.
	KeepAlive time.Duration

	// CongestionControl is that of accepted connections, "reno" or "cubic";
	// empty is the host's.
	CongestionControl string

	ReadBuffer  int // bytes, of accepted connections; 0 adapts to what the path needs
	WriteBuffer int // bytes; 0 is the stack's default, 1 MiB

	// Admit decides on every SYN for this listener before the stack sees it;
	// nil accepts all. It runs on the packet's own path: it must be quick.
	Admit func(SYN) Verdict
}

// Listen is a ListenConfig with nothing but the host.
func Listen(h *stack.Host, network, address string) (*Listener, error) {
	return (&ListenConfig{Host: h}).Listen(context.Background(), network, address)
}

// Listen listens on "host:port"; an empty host is every address of the host, on
// network "tcp" of both families, on "tcp4" and "tcp6" of one. Port 0 lets the
// host choose.
//
// On a closed host it answers stack.ErrClosed, which is net.ErrClosed too.
func (c *ListenConfig) Listen(ctx context.Context, network, address string) (*Listener, error) {
	if c.Host.Closed() {
		return nil, &net.OpError{Op: "listen", Net: network, Err: stack.ErrClosed}
	}
	addrs, err := c.Host.Resolve(ctx, "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	at := addrs[0]
	fail := func(call string, terr tcpip.Error) error {
		return &net.OpError{Op: "listen", Net: network, Addr: net.TCPAddrFromAddrPort(at), Err: os.NewSyscallError(call, stack.Errno(terr))}
	}
	full, err := stack.FullAddress(at)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	l := &Listener{host: c.Host, network: network, config: *c, ready: make(chan struct{}, 1)}
	l.wake = func() { leave(l.ready) }
	proto, only6 := protocolOf(network, at.Addr())
	ep, terr := c.Host.Stack().NewEndpoint(gtcp.ProtocolNumber, proto, &l.queue)
	if terr != nil {
		return nil, fail("socket", terr)
	}
	l.ep = ep
	options := ep.SocketOptions()
	options.SetV6Only(only6)
	options.SetReuseAddress(true) // TIME_WAITs of an earlier listener are no obstacle
	if c.ReadBuffer > 0 {
		options.SetReceiveBufferSize(int64(c.ReadBuffer), true)
	}
	if c.WriteBuffer > 0 {
		options.SetSendBufferSize(int64(c.WriteBuffer), true)
	}
	if c.CongestionControl != "" {
		cc := tcpip.CongestionControlOption(c.CongestionControl)
		if terr := ep.SetSockOpt(&cc); terr != nil {
			ep.Close()
			return nil, fmt.Errorf("listen %s %s: congestion control %q: %w", network, address, c.CongestionControl, stack.Errno(terr))
		}
	}
	if terr := ep.Bind(full); terr != nil {
		ep.Close()
		return nil, fail("bind", terr)
	}
	l.entry.Init((*notifyListener)(l), waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr)
	l.queue.EventRegister(&l.entry)
	state := stateOf(c.Host)
	bound, _ := ep.GetLocalAddress()
	l.addr = tcpAddr(bound)
	l.forget = state.admissions.add(newAdmission(stack.AddrPort(bound), proto, only6, c.Admit))
	backlog := c.Backlog
	if backlog <= 0 {
		backlog = DefaultBacklog
	}
	if terr := ep.Listen(backlog); terr != nil {
		l.Close()
		return nil, fail("listen", terr)
	}
	if c.Host.Closed() { // and it may not have seen this one
		l.Close()
		return nil, &net.OpError{Op: "listen", Net: network, Err: stack.ErrClosed}
	}
	return l, nil
}

// Listener accepts connections. Any number of goroutines may.
type Listener struct {
	host    *stack.Host
	network string
	config  ListenConfig
	ep      tcpip.Endpoint
	queue   waiter.Queue
	entry   waiter.Entry
	addr    net.TCPAddr
	ready   chan struct{} // holds a token when one of those that wait should look again
	wake    func()        // leaves it
	by      clock.Deadline
	closed  atomic.Bool
	forget  func() // takes Admit away
}

var _ net.Listener = (*Listener)(nil)

type notifyListener Listener

func (n *notifyListener) NotifyEvent(waiter.EventMask) { n.host.Wake(n.wake) }

// Accept waits for the next connection, a *Conn. When the listener or its host
// is closed it answers net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptTCP is Accept with the type it has.
func (l *Listener) AcceptTCP() (*Conn, error) {
	for {
		switch {
		case l.closed.Load():
			leave(l.ready) // for the next one that waits
			return nil, l.opError("accept", net.ErrClosed)
		case l.by.Expired():
			leave(l.ready)
			return nil, l.opError("accept", os.ErrDeadlineExceeded)
		}
		// Also where connections are there to be accepted it takes a token for
		// each, so that in virtual time one is served until it waits before the
		// next is accepted.
		l.host.Touch()
		<-l.ready
		if l.closed.Load() || l.by.Expired() {
			continue
		}
		ep, queue, terr := l.ep.Accept(nil)
		switch terr.(type) {
		case nil:
			l.host.Wake(l.wake) // there may be more
			l.host.Touch()
			if terr := l.config.prepare(ep); terr != nil {
				ep.Close()
				return nil, l.opError("accept", os.NewSyscallError("setsockopt", stack.Errno(terr)))
			}
			return newConn(l.host, ep, queue), nil
		case *tcpip.ErrWouldBlock:
		default:
			leave(l.ready)
			switch {
			case l.closed.Load():
				continue
			case l.host.Closed():
				return nil, l.opError("accept", stack.ErrClosed)
			}
			return nil, l.opError("accept", os.NewSyscallError("accept", stack.Errno(terr)))
		}
	}
}

// prepare gives an accepted endpoint what it does not inherit from the
// listening one.
func (c *ListenConfig) prepare(ep tcpip.Endpoint) tcpip.Error {
	if c.CongestionControl != "" {
		cc := tcpip.CongestionControlOption(c.CongestionControl)
		if terr := ep.SetSockOpt(&cc); terr != nil {
			return terr
		}
	}
	return setKeepAlive(ep, keepAlive(c.KeepAlive))
}

// Close ends listening; connections that nobody accepted yet are reset. A
// second Close returns net.ErrClosed.
func (l *Listener) Close() error {
	if l.closed.Swap(true) {
		return l.opError("close", net.ErrClosed)
	}
	l.forget()
	l.queue.EventUnregister(&l.entry)
	l.ep.Close()
	l.by.Stop()
	l.host.Wake(l.wake)
	l.host.Touch()
	return nil
}

// SetDeadline makes Accept fail with os.ErrDeadlineExceeded from t on, a moment
// on the host's clock; the zero t takes the deadline away.
func (l *Listener) SetDeadline(t time.Time) error {
	if l.closed.Load() {
		return l.opError("set", net.ErrClosed)
	}
	l.by.Set(l.host.Loop(), t, l.wake)
	if l.closed.Load() {
		l.by.Stop() // Close may not have seen this one
	}
	return nil
}

// Addr is where it listens, a *net.TCPAddr; [::] is every address.
func (l *Listener) Addr() net.Addr {
	if l.addr.IP == nil {
		ip := net.IPv6unspecified
		if l.network == "tcp4" {
			ip = net.IPv4zero
		}
		return &net.TCPAddr{IP: ip, Port: l.addr.Port}
	}
	return &l.addr
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.network, Addr: l.Addr(), Err: err}
}
