package lab

import (
	"fmt"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/trace"
)

// LAN is a switch and the hosts that are plugged into it, each by a wire of its
// own that carries Ethernet frames: they find each other by ARP and neighbour
// discovery.
type LAN struct {
	Name   string // "lan1", in the order of making
	Switch *link.Switch

	ports []*port

	mu   sync.Mutex
	cuts []*cut
}

// port is a host's place in a LAN.
type port struct {
	host *Host
	name string     // of the wire: "lan1-phone"
	wire *link.Wire // A is the host's end
	tap  *link.Tap  // there
	link *stack.Link
}

// cut is a partition of a LAN: the stations on its one side.
type cut struct{ inside map[tcpip.LinkAddress]bool }

// LAN joins hosts by a switch, with a wire of that shape, both ways, for each: so
// a delay counts twice on the way from host to host. A router among the hosts is
// the way out for the others.
func (w *World) LAN(shape link.Shape, hosts ...*Host) *LAN {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	lan := &LAN{Name: fmt.Sprintf("lan%d", len(w.lans)+1), Switch: link.NewSwitch(link.SwitchConfig{Loop: w.clock})}
	w.lans = append(w.lans, lan)
	routed := slices.ContainsFunc(hosts, func(h *Host) bool { return h.router })
	for i, h := range hosts {
		if slices.Contains(hosts[:i], h) {
			w.t.Fatalf("lab: %s: %s is there twice", lan.Name, h.Name())
		}
		if err := w.plug(lan, h, shape, routed); err != nil {
			w.t.Fatalf("lab: %s: %v", lan.Name, err)
		}
	}
	for _, h := range w.hosts {
		if err := w.routesOf(h); err != nil {
			w.t.Fatalf("lab: %s: %v", lan.Name, err)
		}
	}
	return lan
}

// Wire is the wire of one of the LAN's hosts; its A end is the host's. nil where
// it has none.
func (l *LAN) Wire(h *Host) *link.Wire {
	for _, p := range l.ports {
		if p.host == h {
			return p.wire
		}
	}
	return nil
}

// station is a host's MAC address on every LAN: locally administered, with the
// host's number.
func (h *Host) station() tcpip.LinkAddress {
	return tcpip.LinkAddress([]byte{2, 0, 0, 0, byte(h.index >> 8), byte(h.index)})
}

// plug gives a host its wire to the switch, and makes it a neighbour of those
// that have theirs.
func (w *World) plug(lan *LAN, h *Host, shape link.Shape, routed bool) error {
	p := &port{host: h, name: lan.Name + "-" + h.Name()}
	p.wire = link.NewWire(link.WireConfig{
		Loop: w.clock, Name: p.name, Seed: derive64(w.seed, "wire "+p.name), AB: shape, BA: shape, Ethernet: true,
		NoOffload: routed, // as in Connect
		Recorder:  w.rec,
	})
	p.wire.A().SetLinkAddress(h.station())
	lan.Switch.Attach(p.wire.B())
	p.tap = link.NewTap(p.wire.A())
	p.tap.Listen(lan.filter(h)) // before captures: what is cut off was never there
	for _, c := range w.captures {
		c.listen(h, p.name, p.tap)
	}
	if w.losses != nil {
		w.losses.follow(p.name, p.wire, w.Elapsed)
	}
	var err error
	if p.link, err = w.attachTo(h, p.tap); err != nil {
		return err
	}
	for _, peer := range lan.ports {
		h.neighbours = append(h.neighbours, neighbour{peer.host, p.link, true})
		peer.host.neighbours = append(peer.host.neighbours, neighbour{h, peer.link, true})
	}
	lan.ports = append(lan.ports, p)
	return nil
}

// filter lets what comes to a host through only where no partition is between it
// and the station that sent it: a switch has no wire between two sets of hosts
// that could be cut.
func (l *LAN) filter(h *Host) link.Listener {
	return func(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		if dir == trace.Out {
			return true
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.cuts) == 0 {
			return true
		}
		from := header.Ethernet(pkt.LinkHeader().Slice()).SourceAddress()
		return !slices.ContainsFunc(l.cuts, func(c *cut) bool { return c.inside[from] != c.inside[h.station()] })
	}
}

// separate cuts the hosts that are inside off from the others on the LAN.
func (l *LAN) separate(inside map[*Host]bool) (heal func()) {
	c := &cut{map[tcpip.LinkAddress]bool{}}
	for h := range inside {
		c.inside[h.station()] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = append(l.cuts, c)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cuts = slices.DeleteFunc(l.cuts, func(o *cut) bool { return o == c })
	}
}
