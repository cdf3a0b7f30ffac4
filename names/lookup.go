package names

import (
	"net"
	"net/netip"
)

// wanted says which addresses a lookup on network is for.
func wanted(network string) (func(netip.Addr) bool, error) {
	switch network {
	case "ip":
		return func(netip.Addr) bool { return true }, nil
	case "ip4":
		return netip.Addr.Is4, nil
	case "ip6":
		return netip.Addr.Is6, nil
	}
	return nil, net.UnknownNetworkError(network)
}

// literal answers an address that stands where a name could.
func literal(a netip.Addr, host string, want func(netip.Addr) bool) ([]netip.Addr, error) {
	if a = a.Unmap(); !want(a) {
		return nil, notFound(host, "")
	}
	return []netip.Addr{a}, nil
}

// notFound is what the net package says of a name that does not exist, or not
// with such an address.
func notFound(name, server string) *net.DNSError {
	return &net.DNSError{Err: "no such host", Name: name, Server: server, IsNotFound: true}
}
