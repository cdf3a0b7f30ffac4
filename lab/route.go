package lab

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"strata/stack"
)

// Router is the host of that name, which forwards packets between its wires: a
// hop of a longer path. Make it before it is connected.
//
// Hosts that are connected to a router reach everybody by way of it whom they
// have no wire to; routers know the shortest way to every host.
func (w *World) Router(name string) *Host {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.host(name)
	if h.router {
		return h
	}
	if len(h.neighbours) > 0 {
		w.t.Fatalf("lab: %s is connected already; make it a router first", name)
	}
	h.router = true
	s := h.Stack()
	for _, terr := range []interface{ String() string }{
		s.SetForwardingDefaultAndAllNICs(ipv4.ProtocolNumber, true),
		s.SetForwardingDefaultAndAllNICs(ipv6.ProtocolNumber, true),
	} {
		if terr != nil {
			w.t.Fatalf("lab: router %s: %s", name, terr.String())
		}
	}
	return h
}

// route gives hosts their routes after a and b were joined. Where no router is
// concerned that is one route each.
func (w *World) route(a, b *Host) error {
	if !a.router && !b.router {
		for _, pair := range [][2]*Host{{a, b}, {b, a}} {
			if err := pair[0].routeTo(pair[1], pair[0].neighbours[len(pair[0].neighbours)-1].link); err != nil {
				return err
			}
		}
		return nil
	}
	for _, h := range w.hosts {
		if err := w.routesOf(h); err != nil {
			return err
		}
	}
	return nil
}

// routeTo sends what is for peer out by l.
func (h *Host) routeTo(peer *Host, l *stack.Link) error {
	for _, addr := range []netip.Addr{peer.addr4, peer.addr6} {
		if err := l.AddRoute(netip.PrefixFrom(addr, addr.BitLen()), netip.Addr{}); err != nil {
			return err
		}
	}
	return nil
}

var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// routesOf makes a host's routes anew: of a router to every host, by the first
// link of the shortest path; of another host to its neighbours, and to everybody
// else by the first router among them.
func (w *World) routesOf(h *Host) error {
	h.ClearRoutes()
	if h.router {
		paths := w.paths(h)
		for _, peer := range w.hosts { // in an order that is always the same
			if l := paths[peer]; l != nil {
				if err := h.routeTo(peer, l); err != nil {
					return err
				}
			}
		}
		return nil
	}
	byDefault := false
	for _, n := range h.neighbours {
		if err := h.routeTo(n.host, n.link); err != nil {
			return err
		}
		if n.host.router && !byDefault {
			byDefault = true
			for _, dst := range everywhere {
				if err := n.link.AddRoute(dst, netip.Addr{}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// paths gives for every host that from can reach the link that the shortest path
// begins with. Only routers are passed through.
func (w *World) paths(from *Host) map[*Host]*stack.Link {
	first := map[*Host]*stack.Link{}
	queue := []*Host{from}
	for len(queue) > 0 {
		h := queue[0]
		queue = queue[1:]
		if h != from && !h.router {
			continue
		}
		for _, n := range h.neighbours {
			if n.host == from || first[n.host] != nil {
				continue
			}
			first[n.host] = n.link
			if h != from {
				first[n.host] = first[h]
			}
			queue = append(queue, n.host)
		}
	}
	return first
}
