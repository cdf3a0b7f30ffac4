package lab

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
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
			if err := pair[0].routeTo(pair[1], pair[0].neighbours[len(pair[0].neighbours)-1]); err != nil {
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

// routeTo sends what is for peer to a neighbour, which may be peer itself.
func (h *Host) routeTo(peer *Host, n neighbour) error {
	for _, addr := range []netip.Addr{peer.addr4, peer.addr6} {
		if err := n.link.AddRoute(netip.PrefixFrom(addr, addr.BitLen()), n.via(addr)); err != nil {
			return err
		}
	}
	return nil
}

// via is the router's address for what is sent to dst by this neighbour: none
// where it is its own, or where only one can be at the other end.
func (n neighbour) via(dst netip.Addr) netip.Addr {
	switch {
	case !n.lan || dst == n.host.addr4 || dst == n.host.addr6:
		return netip.Addr{}
	case dst.Is4():
		return n.host.addr4
	}
	return n.host.addr6
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
			if n, ok := paths[peer]; ok {
				if err := h.routeTo(peer, n); err != nil {
					return err
				}
			}
		}
		return nil
	}
	byDefault := false
	for _, n := range h.neighbours {
		if err := h.routeTo(n.host, n); err != nil {
			return err
		}
		if n.host.router && !byDefault {
			byDefault = true
			for _, dst := range everywhere {
				if err := n.link.AddRoute(dst, n.via(dst.Addr())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// paths gives for every host that from can reach the neighbour that the shortest
// path begins with. Only routers are passed through.
func (w *World) paths(from *Host) map[*Host]neighbour {
	first := map[*Host]neighbour{}
	queue := []*Host{from}
	for len(queue) > 0 {
		h := queue[0]
		queue = queue[1:]
		if h != from && !h.router {
			continue
		}
		for _, n := range h.neighbours {
			if _, known := first[n.host]; known || n.host == from {
				continue
			}
			first[n.host] = n
			if h != from {
				first[n.host] = first[h]
			}
			queue = append(queue, n.host)
		}
	}
	return first
}
