package tcp

import (
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"strata/stack"
)

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

func tcpAddr(a tcpip.FullAddress) net.TCPAddr {
	addr := stack.AddrPort(a)
	if !addr.Addr().IsValid() {
		return net.TCPAddr{Port: int(a.Port)}
	}
	return *net.TCPAddrFromAddrPort(addr)
}
