package udp

import (
	"context"
	"net"
	"net/netip"
	"strconv"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"strata/stack"
)

// resolve finds what address means on host h: every address of the name, or
// one invalid address where the host part is empty.
func resolve(ctx context.Context, h *stack.Host, network, address string) ([]netip.AddrPort, error) {
	ipNetwork, ok := map[string]string{"udp": "ip", "udp4": "ip4", "udp6": "ip6"}[network]
	if !ok {
		return nil, net.UnknownNetworkError(network)
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	port := uint16(number)
	if name == "" {
		return []netip.AddrPort{netip.AddrPortFrom(netip.Addr{}, port)}, nil
	}
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(name); err == nil {
		addrs = []netip.Addr{a}
	} else {
		r := h.Resolver()
		if r == nil {
			return nil, &net.DNSError{Err: "host " + h.Name() + " has no resolver", Name: name, IsNotFound: true}
		}
		if addrs, err = r.LookupNetIP(ctx, ipNetwork, name); err != nil {
			return nil, err
		}
	}
	var out []netip.AddrPort
	for _, a := range addrs {
		if a = a.Unmap(); ipNetwork == "ip" || a.Is4() == (ipNetwork == "ip4") {
			out = append(out, netip.AddrPortFrom(a, port))
		}
	}
	if len(out) == 0 {
		return nil, &net.AddrError{Err: "no suitable address", Addr: name}
	}
	return out, nil
}

// orLoopback is what a datagram to "every address" means: this host.
func orLoopback(network string, a netip.AddrPort) netip.AddrPort {
	switch addr := a.Addr(); {
	case addr.IsValid() && !addr.IsUnspecified():
		return a
	case network == "udp6" || addr.Is6() && !addr.Is4In6():
		return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
	default:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
}

// family is which addresses an endpoint can have and send to.
type family int

const (
	v4 family = iota
	v6
	dual // both, by the rules of IPv4-mapped addresses (RFC 3493 §3.7)
)

// familyOf is that of an endpoint bound to a. Every address of the host, with
// network "udp", means those of both families.
func familyOf(network string, a netip.Addr) family {
	switch {
	case network == "udp4":
		return v4
	case network == "udp6":
		return v6
	case !a.IsValid() || a.IsUnspecified():
		return dual
	case a.Is4():
		return v4
	default:
		return v6
	}
}

func (f family) protocol() tcpip.NetworkProtocolNumber {
	if f == v4 {
		return ipv4.ProtocolNumber
	}
	return ipv6.ProtocolNumber
}

// fullAddress is a as gVisor wants it. A zone is the number of a link of ours.
func fullAddress(a netip.AddrPort) (tcpip.FullAddress, error) {
	full := tcpip.FullAddress{Port: a.Port()}
	addr := a.Addr()
	switch {
	case !addr.IsValid() || addr.IsUnspecified():
	case addr.Is4() || addr.Is4In6():
		full.Addr = tcpip.AddrFrom4(addr.As4())
	default:
		full.Addr = tcpip.AddrFrom16(addr.As16())
	}
	if zone := addr.Zone(); zone != "" {
		n, err := strconv.ParseInt(zone, 10, 32)
		if err != nil || n <= 0 {
			return full, &net.AddrError{Err: "the zone must be the number of a link", Addr: addr.String()}
		}
		full.NIC = tcpip.NICID(n)
	}
	return full, nil
}

// addrPort is a as Go writes it, with a zone where it means nothing without.
func addrPort(a tcpip.FullAddress) netip.AddrPort {
	addr := stack.Addr(a.Addr)
	if addr.Is6() && addr.IsLinkLocalUnicast() && a.NIC != 0 {
		addr = addr.WithZone(strconv.Itoa(int(a.NIC)))
	}
	return netip.AddrPortFrom(addr, a.Port)
}
