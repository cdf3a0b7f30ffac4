package udp

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
)

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
