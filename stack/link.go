package stack

import (
	"fmt"
	"net/netip"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"

	"strata/link"
)

// Link is one link of a host.
type Link struct {
	host     *Host
	id       tcpip.NICID
	tap      *link.Tap
	top      *ackDelayer    // what the stack writes to; the tap is behind it
	prefixes []netip.Prefix // our addresses on it
}

// ID is the number of the link in gVisor's stack.
func (l *Link) ID() tcpip.NICID { return l.id }

// Prefixes are the host's addresses on this link, each with its network's size.
func (l *Link) Prefixes() []netip.Prefix { return slices.Clone(l.prefixes) }

// Tap is where the link's packets can be listened to.
func (l *Link) Tap() *link.Tap { return l.tap }

// AddRoute sends packets for the network dst to the router via, a neighbour on
// this link; the zero via means that they are neighbours themselves. A default
// route has dst 0.0.0.0/0 or ::/0. Of several routes the longest prefix wins.
func (l *Link) AddRoute(dst netip.Prefix, via netip.Addr) error {
	if !dst.IsValid() {
		return fmt.Errorf("host %s: add route: the destination is not valid", l.host.name)
	}
	if via.IsValid() && via.Is4() != dst.Addr().Is4() {
		return fmt.Errorf("host %s: add route to %v: the router %v is of the other address family", l.host.name, dst, via)
	}
	route := tcpip.Route{Destination: subnet(dst), NIC: l.id}
	if via.IsValid() {
		route.Gateway = Address(via)
	}
	l.host.stack.AddRoute(route)
	return nil
}

// ClearRoutes takes all routes away but those to the host itself, also those
// that came with an address.
func (h *Host) ClearRoutes() {
	h.stack.RemoveRoutes(func(r tcpip.Route) bool { return r.NIC != loopbackID })
}
