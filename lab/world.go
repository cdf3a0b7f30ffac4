package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
	"strata/stack"
	"strata/trace"
)

// AckDelay is the delay of acknowledgements (see stack.Config) of every host of a
// world, until its SetAckDelay says otherwise: Linux's. Without it gVisor's Reno,
// which counts acknowledgements once too often where each is of a single segment,
// takes several times its share of a path that loses.
const AckDelay = stack.LinuxAckDelay

// World is a network of hosts and wires. Its methods may be called from any
// goroutine of the test.
type World struct {
	t      testing.TB
	seed   uint64
	clock  clock.Loop
	loop   *loop // nil in real time
	rec    trace.Recorder
	losses *lossPlan // nil is none
	ctx    context.Context
	cancel context.CancelFunc
	began  time.Time

	running sync.WaitGroup // what Go has started

	mu       sync.Mutex
	hosts    []*Host
	byName   map[string]*Host
	wires    []*Wire
	lans     []*LAN
	captures []*capture
	ca       *authority // nil until somebody needs one
	onClose  []func()
	atEnd    []func() // after the hosts are closed
	closed   bool

	lastWords string // of a test that failed: the hosts' connections
}

func newWorld(t testing.TB, o options) *World {
	w := &World{t: t, seed: o.seed, byName: map[string]*Host{}, rec: o.recorder, losses: o.losses}
	if o.realTime {
		w.clock = clock.Real()
	} else {
		w.loop = newLoop()
		w.clock = w.loop
		go w.loop.run()
	}
	w.began = w.clock.Now()
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// T is the world's own test: what fails it fails the test around the world, and
// says with which of several seeds. In a world of Shrink it fails only that.
func (w *World) T() testing.TB { return w.t }

// Seed is what decides everything that is left to chance here.
func (w *World) Seed() uint64 { return w.seed }

// Context ends when the world is closed.
func (w *World) Context() context.Context { return w.ctx }

// Now is the world's time.
func (w *World) Now() time.Time { return w.clock.Now() }

// Elapsed is the time since the world began.
func (w *World) Elapsed() time.Duration { return w.clock.Now().Sub(w.began) }

// Sleep lets d pass in the world.
func (w *World) Sleep(d time.Duration) {
	done := make(chan struct{})
	w.clock.At(w.clock.Now().Add(d), func() { close(done) })
	<-done
	w.Settle()
}

// Settle returns when nothing moves any more that needs no time to pass. In real
// time there is no such moment, and it does nothing.
func (w *World) Settle() {
	if w.loop != nil {
		w.loop.rest()
	}
}

// Go runs f on a goroutine of its own, when it is its turn: what several calls
// start runs one after the other until each waits for something, in the order of
// the calls. Goroutines that are started with the go statement all at once run
// in that order too, until the machine is so busy that Go's scheduler takes one
// of them off its processor. Run waits for f to return.
func (w *World) Go(f func()) {
	w.running.Add(1)
	clock.Wake(w.clock, func() {
		go func() {
			defer w.running.Done()
			f()
		}()
	})
}

// Wait returns when all that Go has started has returned.
func (w *World) Wait() { w.running.Wait() }

// Events is how many events the world has run; 0 in real time.
func (w *World) Events() uint64 {
	if w.loop == nil {
		return 0
	}
	w.loop.mu.Lock()
	defer w.loop.mu.Unlock()
	return w.loop.ran
}

// OnClose has f called when the world ends, the last first, before the hosts
// are closed.
func (w *World) OnClose(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onClose = append(w.onClose, f)
}

// Host is the host of that name; the first call makes it. Names are those of
// DNS: letters, digits and hyphens, in labels.
func (w *World) Host(name string) *Host {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.host(name)
}

func (w *World) host(name string) *Host {
	if h := w.byName[name]; h != nil {
		return h
	}
	n := len(w.hosts) + 1
	if n >= 1<<16-1 {
		w.t.Fatalf("lab: a world has at most %d hosts", 1<<16-2)
	}
	h := &Host{
		world: w,
		index: n,
		addr4: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}),
		addr6: netip.AddrFrom16([16]byte{0: 0xfd, 14: byte(n >> 8), 15: byte(n)}),
	}
	h.Host = stack.New(stack.Config{Name: name, Loop: w.clock, Rand: random(w.seed, "host "+name), Recorder: w.rec, Detail: true, AckDelay: AckDelay})
	if w.loop != nil {
		h.Settle() // paused from birth on: a worker of gVisor that waits does not count as waiting
	}
	h.SetResolver(resolver{w})
	w.hosts = append(w.hosts, h)
	w.byName[name] = h
	return h
}

// resolver finds the hosts of the world by their names.
type resolver struct{ w *World }

func (r resolver) LookupNetIP(_ context.Context, network, name string) ([]netip.Addr, error) {
	r.w.mu.Lock()
	h := r.w.byName[strings.ToLower(strings.TrimSuffix(name, "."))]
	r.w.mu.Unlock()
	if h == nil {
		return nil, &net.DNSError{Err: "no such host in this world", Name: name, IsNotFound: true}
	}
	switch network {
	case "ip4":
		return []netip.Addr{h.addr4}, nil
	case "ip6":
		return []netip.Addr{h.addr6}, nil
	}
	return []netip.Addr{h.addr4, h.addr6}, nil
}

// Wire is a wire between two hosts of a world.
type Wire struct {
	*link.Wire
	Name string // "phone-server", with a number where there are several
	A, B *Host
	taps [2]*link.Tap // at A's and B's end
	cut  int          // partitions that cut it now
}

func (w *Wire) hosts() [2]*Host { return [2]*Host{w.A, w.B} }

// Connect joins two hosts by a wire: shape is for the direction from a to b, and
// for that from b to a unless back gives another.
func (w *World) Connect(a, b *Host, shape link.Shape, back ...link.Shape) *Wire {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	name := a.Name() + "-" + b.Name()
	for n, base := 2, name; w.wireNamed(name) != nil; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	other := shape
	if len(back) > 0 {
		other = back[0]
	}
	wire := &Wire{Name: name, A: a, B: b}
	wire.Wire = link.NewWire(link.WireConfig{
		Loop: w.clock, Name: name, Seed: derive64(w.seed, "wire "+name), AB: shape, BA: other,
		// A router forwards packets, not super-packets, and gVisor forgets in
		// between which ones they are.
		NoOffload: a.router || b.router,
		Recorder:  w.rec,
	})
	if err := w.attach(wire); err != nil {
		w.t.Fatalf("lab: connect %s: %v", name, err)
	}
	w.wires = append(w.wires, wire)
	if w.losses != nil {
		w.losses.follow(name, wire.Wire, w.Elapsed)
	}
	if err := w.route(a, b); err != nil {
		w.t.Fatalf("lab: connect %s: %v", name, err)
	}
	return wire
}

func (w *World) wireNamed(name string) *Wire {
	for _, wire := range w.wires {
		if wire.Name == name {
			return wire
		}
	}
	return nil
}

// attach gives both hosts their end, and each a route to the other.
func (w *World) attach(wire *Wire) error {
	for i, side := range []struct {
		host, peer *Host
		end        *link.End
	}{{wire.A, wire.B, wire.Wire.A()}, {wire.B, wire.A, wire.Wire.B()}} {
		tap := link.NewTap(side.end)
		wire.taps[i] = tap
		for _, c := range w.captures {
			c.listen(side.host, wire.Name, tap)
		}
		l, err := w.attachTo(side.host, tap)
		if err != nil {
			return err
		}
		side.host.neighbours = append(side.host.neighbours, neighbour{side.peer, l, false})
	}
	return nil
}

// attachTo gives a host a link with its addresses.
func (w *World) attachTo(h *Host, tap *link.Tap) (*stack.Link, error) {
	var ep gstack.LinkEndpoint = tap
	if w.loop != nil {
		ep = newGather(tap, w.loop)
	}
	return h.Attach(ep, netip.PrefixFrom(h.addr4, 32), netip.PrefixFrom(h.addr6, 128))
}

// Close ends the world: what OnClose was given, the hosts, the wires. Run calls
// it.
func (w *World) Close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.closed = true
	hooks, hosts, wires, lans, atEnd := w.onClose, w.hosts, w.wires, w.lans, w.atEnd
	w.mu.Unlock()
	if w.t.Failed() {
		w.lastWords = w.netstats() + w.wirestats()
	}
	w.cancel()
	for i := len(hooks) - 1; i >= 0; i-- {
		hooks[i]()
	}
	w.Settle()
	if w.loop != nil {
		w.loop.stop()
	}
	for _, wire := range wires {
		_ = wire.Wire.Close()
	}
	for _, lan := range lans {
		for _, p := range lan.ports {
			_ = p.wire.Close()
		}
		_ = lan.Switch.Close()
	}
	for _, h := range hosts {
		_ = h.Host.Close()
	}
	for _, f := range atEnd {
		f()
	}
}
