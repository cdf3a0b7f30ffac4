package netconf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"strata/tun/internal/netns"
)

// Configure sets what c says on the kernel's side of the device dev in the
// network namespace netns (a name under /run/netns, or a path; empty: the
// caller's). Before it changes anything it looks for conflicts: an address that
// another device has, or a subnet that overlaps what is routed through another
// device. What the device has already is no error. With Up it returns when the
// addresses are in use.
//
// It needs CAP_NET_ADMIN. Errors are one line each, naming device, address and
// what is in the way.
func Configure(netns, dev string, c Config) error {
	if err := c.check(dev); err != nil {
		return err
	}
	return with(netns, func(h *netlink.Handle) error {
		link, err := find(h, dev)
		if err != nil {
			return err
		}
		if err := conflicts(h, link, c); err != nil {
			return err
		}
		events, err := routeEvents()
		if err != nil {
			return err
		}
		defer events.Close()
		if err := apply(h, link, c); err != nil || !c.Up {
			return err
		}
		return awaitAddrs(h, events, dev, c.Addrs)
	})
}

// LoopbackUp switches lo on in the network namespace netns (empty: the
// caller's). It is down in a new namespace, and a host there cannot even reach
// itself.
func LoopbackUp(netns string) error {
	return with(netns, func(h *netlink.Handle) error {
		lo, err := find(h, "lo")
		if err != nil {
			return err
		}
		if err := h.LinkSetUp(lo); err != nil {
			return failed("lo", "switch it on", err)
		}
		return nil
	})
}

// InNamespace runs f on a thread inside the network namespace name (a name
// under /run/netns, or a path; empty: where the caller is) and returns what f
// returned. Sockets that f opens belong to that namespace and may be used
// anywhere. f must not wait for goroutines that need the namespace: they run
// on other threads.
func InNamespace(name string, f func() error) error { return netns.Do(name, f) }

// with gives f a netlink socket in the namespace.
func with(ns string, f func(*netlink.Handle) error) error {
	return netns.Do(ns, func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("netconf: netlink: %w", err)
		}
		defer h.Close()
		return f(h)
	})
}

func find(h *netlink.Handle, dev string) (netlink.Link, error) {
	link, err := h.LinkByName(dev)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil, fmt.Errorf("netconf: there is no device %s in this network namespace (`ip link` shows those there are): %w", dev, unix.ENODEV)
	}
	if err != nil {
		return nil, failed(dev, "look it up", err)
	}
	return link, nil
}

func apply(h *netlink.Handle, link netlink.Link, c Config) error {
	dev := link.Attrs().Name
	if c.MTU != 0 {
		if err := h.LinkSetMTU(link, c.MTU); err != nil {
			return failed(dev, fmt.Sprintf("set the MTU to %d", c.MTU), err)
		}
	}
	for _, p := range c.Addrs {
		a := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			// Nobody else can have it, and an address that is tentative for a
			// second refuses the first connections.
			a.Flags = unix.IFA_F_NODAD
		}
		if err := h.AddrAdd(link, a); err != nil && !errors.Is(err, unix.EEXIST) {
			return failed(dev, fmt.Sprintf("add the address %v", p), explain6(p.Addr(), dev, err))
		}
	}
	if c.Up {
		if err := h.LinkSetUp(link); err != nil {
			return failed(dev, "switch it on", err)
		}
	}
	for _, p := range c.routes() {
		r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(p), Scope: netlink.SCOPE_LINK}
		if p.Addr().Is6() {
			r.Scope = netlink.SCOPE_UNIVERSE
		}
		if err := h.RouteAdd(r); err != nil && !errors.Is(err, unix.EEXIST) {
			if errors.Is(err, unix.ENETDOWN) {
				err = fmt.Errorf("%w; a route needs the device up", err)
			}
			return failed(dev, fmt.Sprintf("add the route to %v", p.Addr()), err)
		}
	}
	return nil
}

// explain6 says why the kernel refuses an IPv6 address, where it is known.
func explain6(a netip.Addr, dev string, err error) error {
	if a.Is6() && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOPNOTSUPP)) {
		return fmt.Errorf("%w; IPv6 is switched off here: sysctl net.ipv6.conf.%s.disable_ipv6=0, or leave the address out", err, dev)
	}
	return err
}

func failed(dev, what string, err error) error {
	if errors.Is(err, unix.EPERM) {
		err = fmt.Errorf("%w; run as root (it takes CAP_NET_ADMIN)", err)
	}
	return fmt.Errorf("netconf: %s: %s: %w", dev, what, err)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
