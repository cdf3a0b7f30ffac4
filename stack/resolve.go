package stack

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// Resolve finds what "host:port" means on this host: every address of the name,
// or one invalid address where the host part is empty. It is what dialers and
// listeners of a transport ("tcp", "udp") begin with; network is the transport,
// or that with 4 or 6 behind it for one family.
func (h *Host) Resolve(ctx context.Context, transport, network, address string) ([]netip.AddrPort, error) {
	family, ok := strings.CutPrefix(network, transport)
	if !ok || family != "" && family != "4" && family != "6" {
		return nil, net.UnknownNetworkError(network)
	}
	ipNetwork := "ip" + family
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

// FullAddress is a as gVisor writes it; the unspecified address is every
// address. A zone is the number of a link of ours (Link.ID).
func FullAddress(a netip.AddrPort) (tcpip.FullAddress, error) {
	full := tcpip.FullAddress{Port: a.Port()}
	addr := a.Addr()
	if addr.IsValid() && !addr.IsUnspecified() {
		full.Addr = Address(addr)
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

// AddrPort is a as Go writes it, with a zone where it means nothing without.
func AddrPort(a tcpip.FullAddress) netip.AddrPort {
	addr := Addr(a.Addr)
	if addr.Is6() && addr.IsLinkLocalUnicast() && a.NIC != 0 {
		addr = addr.WithZone(strconv.Itoa(int(a.NIC)))
	}
	return netip.AddrPortFrom(addr, a.Port)
}
