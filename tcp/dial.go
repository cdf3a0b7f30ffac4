package tcp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"strata/stack"
	"strata/trace"
)

// Dialer opens connections from a host. It is what net.Dialer is; its
// DialContext fits http.Transport and the clients of ws and socketio.
type Dialer struct {
	Host *stack.Host // must be set

	// Timeout bounds one DialContext, name lookup included, on the host's
	// clock; 0 leaves it to the context and to the stack, which gives up a SYN
	// after about two minutes.
	Timeout time.Duration

	// LocalAddr is the address and port to dial from; the zero value, and a
	// port of 0, leave the choice to the host.
	LocalAddr netip.AddrPort

	// KeepAlive is the idle time before keepalive probes, and the time
	// between them; 0 is 15 s, below 0 is none.
	KeepAlive time.Duration
}

// Dial is DialContext without a context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext opens a connection to "host:port" on network "tcp", "tcp4" or
// "tcp6". A name is resolved by the host's resolver; its addresses are tried
// one after the other, and the first error counts. The net.Conn is a *Conn. On
// a host that is closed, also meanwhile, it answers stack.ErrClosed, which is
// net.ErrClosed too.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Timeout > 0 {
		var stop func()
		ctx, stop = d.withTimeout(ctx)
		defer stop()
	}
	fail := func(addr net.Addr, err error) error {
		var source net.Addr
		if d.LocalAddr.IsValid() {
			source = net.TCPAddrFromAddrPort(d.LocalAddr)
		}
		return &net.OpError{Op: "dial", Net: network, Source: source, Addr: addr, Err: err}
	}
	if d.Host.Closed() {
		return nil, fail(nil, stack.ErrClosed)
	}
	addrs, err := d.Host.Resolve(ctx, "tcp", network, address)
	switch {
	case err != nil && context.Cause(ctx) == error(timeoutError{}):
		return nil, fail(nil, timeoutError{}) // to the resolver it is a context that was cancelled
	case err != nil:
		return nil, fail(nil, err)
	}
	var first error
	for _, a := range addrs {
		if !a.Addr().IsValid() { // ":80" is this host, as for net.Dial
			a = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
			if network == "tcp6" {
				a = netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
			}
		}
		c, err := d.connect(ctx, network, a)
		if err == nil {
			return c, nil
		}
		if d.Host.Closed() {
			return nil, fail(net.TCPAddrFromAddrPort(a), stack.ErrClosed)
		}
		if first == nil {
			first = fail(net.TCPAddrFromAddrPort(a), err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// withTimeout is what context.WithTimeout is in real time.
func (d *Dialer) withTimeout(ctx context.Context) (_ context.Context, stop func()) {
	timed, cancel := context.WithCancelCause(ctx)
	loop := d.Host.Loop()
	timer := loop.At(loop.Now().Add(d.Timeout), func() { cancel(timeoutError{}) })
	return timed, func() {
		timer.Stop()
		cancel(nil)
	}
}

func (d *Dialer) connect(ctx context.Context, network string, to netip.AddrPort) (*Conn, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	from, err := stack.FullAddress(d.LocalAddr)
	if err != nil {
		return nil, err
	}
	full, err := stack.FullAddress(to)
	if err != nil {
		return nil, err
	}
	h := d.Host
	state := stateOf(h) // sees the handshake's segments from here on
	var queue waiter.Queue
	proto, _ := protocolOf(network, to.Addr())
	ep, terr := h.Stack().NewEndpoint(gtcp.ProtocolNumber, proto, &queue)
	if terr != nil {
		return nil, os.NewSyscallError("socket", stack.Errno(terr))
	}
	if d.LocalAddr.IsValid() {
		if terr := ep.Bind(from); terr != nil {
			ep.Close()
			return nil, os.NewSyscallError("bind", stack.Errno(terr))
		}
	}
	if terr := setKeepAlive(ep, keepAlive(d.KeepAlive)); terr != nil {
		ep.Close()
		return nil, os.NewSyscallError("setsockopt", stack.Errno(terr))
	}
	done := make(chan struct{}, 1)
	wake := func() { leave(done) }
	entry := waiter.NewFunctionEntry(waiter.WritableEvents|waiter.EventHUp|waiter.EventErr, func(waiter.EventMask) { h.Wake(wake) })
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)

	terr = ep.Connect(full)
	h.Touch()
	if local, err := ep.GetLocalAddress(); err == nil {
		l, r := tcpAddr(local), net.TCPAddrFromAddrPort(to)
		// A connection takes it; what becomes none is not waited for.
		defer state.handshakes.take(trace.FlowOf(&l, r))
	}
	if _, ok := terr.(*tcpip.ErrConnectStarted); ok {
		if h.Closed() { // and it may not have seen this one
			ep.Abort()
			return nil, stack.ErrClosed
		}
		select {
		case <-done:
			terr = ep.LastError()
		case <-ctx.Done():
			ep.Abort()
			h.Touch()
			return nil, contextError(ctx)
		}
	}
	if terr != nil {
		ep.Close()
		h.Touch()
		return nil, os.NewSyscallError("connect", connectErrno(terr))
	}
	return newConn(h, ep, &queue), nil
}

// connectErrno: a peer that answers our SYN with a reset refuses.
func connectErrno(terr tcpip.Error) error {
	if _, ok := terr.(*tcpip.ErrConnectionReset); ok {
		return syscall.ECONNREFUSED
	}
	return stack.Errno(terr)
}
