package netconf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrConflict is what [Configure]'s error answers to (errors.Is) where another
// device has the address or the subnet.
var ErrConflict = errors.New("another device has it")

// conflicts looks for what c would take away from other devices than link.
func conflicts(h *netlink.Handle, link netlink.Link, c Config) error {
	names, err := deviceNames(h)
	if err != nil {
		return err
	}
	if err := takenAddrs(h, link, c, names); err != nil {
		return err
	}
	return takenSubnets(h, link, c, names)
}

func takenAddrs(h *netlink.Handle, link netlink.Link, c Config, names map[int]string) error {
	addrs, err := list(func() ([]netlink.Addr, error) { return h.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return failed(link.Attrs().Name, "list the addresses in use", err)
	}
	for _, a := range addrs {
		has, ok := prefix(a.IPNet)
		if !ok {
			continue
		}
		for _, p := range c.Addrs {
			if has.Addr() == p.Addr() && a.LinkIndex != link.Attrs().Index {
				return fmt.Errorf("netconf: %s: the address %v: device %s has it already (%w); choose another", link.Attrs().Name, p.Addr(), names[a.LinkIndex], ErrConflict)
			}
		}
		for _, peer := range c.Peers {
			if has.Addr() == peer {
				return fmt.Errorf("netconf: %s: the peer %v is an address of this kernel's own device %s (%w); choose another", link.Attrs().Name, peer, names[a.LinkIndex], ErrConflict)
			}
		}
	}
	return nil
}

// takenSubnets compares with the routes of the main table. A default route is
// in nobody's way, and link-local and multicast routes are there once a device.
func takenSubnets(h *netlink.Handle, link netlink.Link, c Config, names map[int]string) error {
	routes, err := list(func() ([]netlink.Route, error) {
		return h.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return failed(link.Attrs().Name, "list the routes in use", err)
	}
	for _, r := range routes {
		has, ok := prefix(r.Dst)
		if !ok || has.Bits() == 0 || r.LinkIndex == link.Attrs().Index || shared(has) {
			continue
		}
		dev := names[r.LinkIndex]
		if dev == "" { // blackhole, or several next hops
			dev = "another device"
		}
		for _, p := range append(c.routes(), c.Addrs...) {
			if p.Overlaps(has) && !shared(p) {
				return fmt.Errorf("netconf: %s: the subnet %v overlaps %v, which is routed through %s (%w); choose another", link.Attrs().Name, p.Masked(), has, dev, ErrConflict)
			}
		}
	}
	return nil
}

// list asks again where the kernel's answer changed while it was given, a few
// times at most.
func list[T any](ask func() ([]T, error)) (all []T, err error) {
	for range 10 {
		if all, err = ask(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}

// shared reports whether many devices may route p at the same time.
func shared(p netip.Prefix) bool {
	return p.Addr().IsLinkLocalUnicast() || p.Addr().IsMulticast()
}

func deviceNames(h *netlink.Handle) (map[int]string, error) {
	links, err := list(h.LinkList)
	if err != nil {
		return nil, fmt.Errorf("netconf: list the devices: %w", err)
	}
	names := make(map[int]string, len(links))
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	return names, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones), ok
}
