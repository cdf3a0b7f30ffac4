package tcp

import (
	"context"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"strata/stack"
)

// resolve finds what address means on host h: every address of the name, or
// one invalid address where the host part is empty.
func resolve(ctx context.Context, h *stack.Host, network, address string) ([]netip.AddrPort, error) {
	ipNetwork, ok := map[string]string{"tcp": "ip", "tcp4": "ip4", "tcp6": "ip6"}[network]
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
		addrs = []netip.Addr{a.Unmap()}
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
		return nil, &net.AddrError{Err: "no suitable address found", Addr: name}
	}
	return out, nil
}

// protocolOf is the family of an endpoint that is to have the address a.
// Without an address it is both families, but on network "tcp4".
func protocolOf(network string, a netip.Addr) (proto tcpip.NetworkProtocolNumber, only6 bool) {
	switch {
	case network == "tcp4" || a.IsValid() && a.Is4() && !a.IsUnspecified():
		return ipv4.ProtocolNumber, false
	default:
		return ipv6.ProtocolNumber, network == "tcp6"
	}
}

func fullAddress(a netip.AddrPort) tcpip.FullAddress {
	full := tcpip.FullAddress{Port: a.Port()}
	if a.Addr().IsValid() && !a.Addr().IsUnspecified() {
		full.Addr = stack.Address(a.Addr())
	}
	return full
}
