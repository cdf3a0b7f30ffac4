package netconf

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The kernel takes up an IPv6 address by itself some time after it has said
// yes (addrconf_dad_work), also where there is no duplicate to look for. What is
// sent to the address before that is lost without a word. So [Configure] waits
// for the route that makes the address its own.

// routeEvents is told of changes to the IPv6 routes in the thread's namespace.
func routeEvents() (*nl.NetlinkSocket, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_IPV6_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netconf: netlink: %w", err)
	}
	s.SetReceiveTimeout(&unix.Timeval{Sec: 5})
	return s, nil
}

// awaitAddrs returns when every IPv6 address is the kernel's own. events was
// opened before they were added.
func awaitAddrs(h *netlink.Handle, events *nl.NetlinkSocket, dev string, addrs []netip.Prefix) error {
	for _, p := range addrs {
		if !p.Addr().Is6() {
			continue
		}
		// Bounded also where a routing daemon changes routes all the time.
		for tries := 1000; ; tries-- {
			own, err := isLocal(h, p.Addr())
			if err != nil {
				return failed(dev, fmt.Sprintf("look up the route to %v", p.Addr()), err)
			}
			if own {
				break
			}
			_, _, err = events.Receive()
			switch {
			case err == nil, errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EINTR):
				if tries > 0 {
					continue
				}
				fallthrough
			case errors.Is(err, unix.EAGAIN):
				return fmt.Errorf("netconf: %s: the kernel was given the address %v and has not taken it up in 5 seconds; does the device have a carrier (`ip link show %s`)?", dev, p.Addr(), dev)
			default:
				return failed(dev, "wait for its routes", err)
			}
		}
	}
	return nil
}

// isLocal reports whether the kernel would keep packets to a for itself.
func isLocal(h *netlink.Handle, a netip.Addr) (bool, error) {
	routes, err := h.RouteGet(a.AsSlice())
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) {
		return false, nil // there is no route at all, yet
	}
	if err != nil {
		return false, err
	}
	return len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL, nil
}
