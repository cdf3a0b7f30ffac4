package stack

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"strata/clock"
	"strata/link"
	"strata/trace"
)

// Config says what a host is like. The zero value works.
type Config struct {
	Name     string         // in errors and traces; empty is "host"
	Loop     clock.Loop     // nil is real time
	Rand     io.Reader      // ports, sequence numbers, keys of SYN cookies; nil is clock.Rand
	Recorder trace.Recorder // is told of every packet on every link, and of connections; nil is nobody

	// Detail has the Recorder told more: what programs write to connections and
	// read from them ([trace.Stream], [trace.TLSRecord]), why segments are sent
	// again ([trace.Retransmission]), and the sender's state after each segment
	// that came ([trace.Sender]), for which gVisor copies some kilobytes, also
	// while a [trace.Selective] Recorder does not want to be told.
	Detail bool

	// CongestionControl is that of every new TCP connection: "reno" or
	// "cubic"; empty is "reno".
	CongestionControl string

	// AckDelay is for how long the acknowledgement of a single segment waits for
	// data to travel with, on every TCP connection (RFC 1122 §4.2.3.2: less than
	// 500 ms; see LinuxAckDelay). A server that answers at once sends a third fewer
	// packets. 0: none waits.
	AckDelay time.Duration
}

// Host is one host. Its methods may be called from any goroutine.
type Host struct {
	name     string
	loop     clock.Loop
	rand     io.Reader
	rec      trace.Recorder
	fine     bool // rec is told details
	stack    *gstack.Stack
	ackDelay atomic.Int64 // a time.Duration

	mu         sync.Mutex
	closed     bool
	gone       chan struct{} // closed when Close has done its work
	lastID     tcpip.NICID
	links      []*Link
	inspectors []*inspector
	resolver   Resolver
	extensions map[any]any

	settling sync.Mutex // one settles at a time
	ending   bool       // Close has begun: the stack's workers run until they end
}

// New makes a host that has a loopback (127.0.0.1, ::1) and no other link yet.
func New(c Config) *Host {
	quiet()
	if c.Name == "" {
		c.Name = "host"
	}
	if c.Loop == nil {
		c.Loop = clock.Real()
	}
	if c.Rand == nil {
		c.Rand = clock.Rand()
	}
	h := &Host{name: c.Name, loop: c.Loop, rand: newRandom(c.Rand), rec: c.Recorder, fine: c.Detail && c.Recorder != nil, lastID: loopbackID, gone: make(chan struct{})}
	h.SetAckDelay(c.AckDelay)
	tcp := gtcp.NewProtocol
	if h.fine {
		tcp = gtcp.NewProtocolProbe(h.probe)
	}
	h.stack = gstack.New(gstack.Options{
		NetworkProtocols: []gstack.NetworkProtocolFactory{
			ipv4.NewProtocol,
			// Our addresses are ours: whoever set up the wire gave them, so
			// waiting a second for somebody to object (RFC 4862 §5.4) would
			// only delay the first packet. No router is asked for either.
			ipv6.NewProtocolWithOptions(ipv6.Options{DADConfigs: gstack.DADConfigurations{DupAddrDetectTransmits: 0}}),
			arp.NewProtocol,
		},
		TransportProtocols: []gstack.TransportProtocolFactory{
			tcp, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6,
		},
		Clock:       &stackClock{host: h, start: c.Loop.Now()},
		HandleLocal: true,
		RandSource:  randSource{h.rand},
		SecureRNG:   h.rand,
	})
	if c.CongestionControl != "" {
		cc := tcpip.CongestionControlOption(c.CongestionControl)
		must(h.stack.SetTransportProtocolOption(gtcp.ProtocolNumber, &cc))
	}
	must(h.stack.CreateNICWithOptions(loopbackID, loopback.New(), gstack.NICOptions{Name: "lo"}))
	for _, p := range []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")} {
		must(h.stack.AddProtocolAddress(loopbackID, protocolAddress(p), gstack.AddressProperties{}))
		h.stack.AddRoute(tcpip.Route{Destination: subnet(p), NIC: loopbackID})
	}
	c.Loop.Touch(h)
	return h
}

// loopbackID is the loopback's number; the links' follow.
const loopbackID tcpip.NICID = 1

// must is for calls that fail only where this package asks for nonsense.
func must(err tcpip.Error) {
	if err != nil {
		panic("strata/stack: " + err.String())
	}
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Loop is the host's clock and its source of wake-ups.
func (h *Host) Loop() clock.Loop { return h.loop }

// Rand is the host's randomness. It may be read from any goroutine.
func (h *Host) Rand() io.Reader { return h.rand }

// Recorder is who is told what happens here; nil where nobody is.
func (h *Host) Recorder() trace.Recorder { return h.rec }

// Detail is the Recorder where it is told details; nil where it is not.
func (h *Host) Detail() trace.Recorder {
	if !h.fine {
		return nil
	}
	return h.rec
}

// Stack is the gVisor stack inside, for what this package does not offer.
func (h *Host) Stack() *gstack.Stack { return h.stack }

// Touch tells the loop that this host has work to drain. Whoever hands
// something to the stack, or is about to wait for it, calls this.
func (h *Host) Touch() { h.loop.Touch(h) }

// Wake runs f, which lets a goroutine go on that waits for this host: at once or,
// in virtual time, when it is its turn.
func (h *Host) Wake(f func()) { clock.Wake(h.loop, f) }

// Settle lets the stack's TCP workers drain their queues and leaves them
// paused: in virtual time they run only here. Only the loop calls it.
func (h *Host) Settle() {
	h.settling.Lock()
	defer h.settling.Unlock()
	if h.ending {
		return // they must not be paused any more
	}
	h.stack.Resume()
	h.stack.Pause()
}

// Extension is what a higher floor keeps with this host under a key (of a type
// of that floor's own); make is called where there is nothing yet.
func (h *Host) Extension(key any, make func() any) any {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v, ok := h.extensions[key]; ok {
		return v
	}
	if h.extensions == nil {
		h.extensions = map[any]any{}
	}
	v := make()
	h.extensions[key] = v
	return v
}

// Resolver finds addresses of names. [net.Resolver] is one, and so are those
// of the package names.
type Resolver interface {
	// LookupNetIP gives the addresses of host; network is "ip", "ip4" or
	// "ip6". An error for an unknown name is a *net.DNSError with IsNotFound.
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// SetResolver gives the host the resolver that its dialers ask; nil, as at
// first, means that only addresses can be dialled.
func (h *Host) SetResolver(r Resolver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resolver = r
}

// Resolver is what SetResolver gave.
func (h *Host) Resolver() Resolver {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.resolver
}

// Inspect shows every packet of every link, present and future, to f, before
// the stack sees it (In) or after it left the stack (Out); false drops it. The
// returned function ends it.
func (h *Host) Inspect(f link.Listener) (remove func()) {
	in := &inspector{f: f}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.inspectors = append(h.inspectors, in)
	for _, l := range h.links {
		in.removes = append(in.removes, l.tap.Listen(f))
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, other := range h.inspectors {
			if other == in {
				h.inspectors = append(h.inspectors[:i:i], h.inspectors[i+1:]...)
			}
		}
		for _, remove := range in.removes {
			remove()
		}
	}
}

type inspector struct {
	f       link.Listener
	removes []func() // from the links
}

// ErrClosed is what a closed host answers. It is net.ErrClosed too.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "host is closed" }
func (closedError) Unwrap() error { return net.ErrClosed }

// Closed reports whether Close was called.
func (h *Host) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// Close ends the host: connections are reset, links closed. It returns when no
// goroutine of it is left. It may be called again, and waits then too.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		<-h.gone
		return nil
	}
	h.closed = true
	links := h.links
	h.mu.Unlock()
	defer close(h.gone)

	h.settling.Lock()
	h.ending = true
	h.stack.Resume() // where virtual time has paused it: the workers must end
	h.settling.Unlock()
	h.reset()
	for _, l := range links {
		l.top.Close()
	}
	h.stack.Destroy()
	return nil
}

// reset ends the connections that are open, while the links still carry the
// resets. Those that only wait out TIME-WAIT are over for the peer: gVisor
// would send it a reset for them as well.
func (h *Host) reset() {
	for _, e := range h.stack.RegisteredEndpoints() {
		if t, ok := e.(*gtcp.Endpoint); ok && t.EndpointState() == gtcp.StateTimeWait {
			continue
		}
		e.Abort()
	}
}

// Attach gives the host a link: a TUN device, a wire's end. Each prefix is an
// address of ours with the size of its network (10.77.0.2/24); a route to that
// network comes with it. The host closes the link when it is closed itself.
func (h *Host) Attach(ep gstack.LinkEndpoint, prefixes ...netip.Prefix) (*Link, error) {
	for _, p := range prefixes {
		if !p.IsValid() {
			return nil, fmt.Errorf("host %s: attach: an address is not valid", h.name)
		}
		if p.Addr().Is6() && ep.MTU() < header.IPv6MinimumMTU {
			return nil, fmt.Errorf("host %s: attach %v: IPv6 needs an MTU of at least %d bytes, this link has %d", h.name, p, header.IPv6MinimumMTU, ep.MTU())
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fmt.Errorf("host %s: attach: %w", h.name, ErrClosed)
	}
	h.lastID++
	l := &Link{host: h, id: h.lastID, tap: link.NewTap(ep), prefixes: prefixes}
	// A packet that comes in is work for the stack.
	l.tap.Listen(func(dir trace.Direction, _ *gstack.PacketBuffer, _ *link.View) bool {
		if dir == trace.In {
			h.Touch()
		}
		return true
	})
	if h.rec != nil {
		l.tap.Listen(link.Observe(h.rec, h.name, h.loop))
	}
	for _, in := range h.inspectors {
		in.removes = append(in.removes, l.tap.Listen(in.f))
	}
	l.top = newAckDelayer(h, l.tap)
	if err := h.stack.CreateNICWithOptions(l.id, l.top, gstack.NICOptions{Name: fmt.Sprintf("link%d", l.id)}); err != nil {
		return nil, fmt.Errorf("host %s: attach: %w", h.name, Errno(err))
	}
	for _, p := range prefixes {
		if err := h.stack.AddProtocolAddress(l.id, protocolAddress(p), gstack.AddressProperties{}); err != nil {
			h.stack.RemoveNIC(l.id)
			return nil, fmt.Errorf("host %s: attach %v: %w", h.name, p, Errno(err))
		}
		h.stack.AddRoute(tcpip.Route{Destination: subnet(p), NIC: l.id})
	}
	h.links = append(h.links, l)
	return l, nil
}

// Addrs are the host's addresses on its links, in the order they were given;
// the loopback's are left out.
func (h *Host) Addrs() []netip.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	var addrs []netip.Addr
	for _, l := range h.links {
		for _, p := range l.prefixes {
			addrs = append(addrs, p.Addr())
		}
	}
	return addrs
}
