package netconf

import (
	"errors"
	"fmt"
	"net/netip"
)

// Config is what [Configure] sets.
type Config struct {
	// MTU of the kernel's side, in bytes; 0: left as it is.
	MTU int

	// Addrs are the kernel's own addresses on the device, each with the subnet
	// that is reached through it (10.77.0.1/24, fd77::1/64).
	Addrs []netip.Prefix

	// Peers are addresses on the other side, that is ours. Those outside the
	// subnets of Addrs get a route of their own through the device, so that
	// Addrs may be a single address (10.77.0.1/32).
	Peers []netip.Addr

	// Up switches the device on; false: it is left as it is. A device that is
	// down carries nothing.
	Up bool
}

// minMTU6 is the least MTU that IPv6 works with (RFC 8200 §5).
const minMTU6 = 1280

// check says what is wrong with c whatever the system.
func (c Config) check(dev string) error {
	if dev == "" {
		return errors.New("netconf: no device was named")
	}
	if c.MTU < 0 {
		return fmt.Errorf("netconf: %s: MTU %d is negative", dev, c.MTU)
	}
	for _, p := range c.Addrs {
		if !p.IsValid() {
			return fmt.Errorf("netconf: %s: an address without a valid prefix length", dev)
		}
		if err := checkAddr(dev, p.Addr(), c.MTU); err != nil {
			return err
		}
	}
	for _, a := range c.Peers {
		if !a.IsValid() {
			return fmt.Errorf("netconf: %s: an invalid peer address", dev)
		}
		if err := checkAddr(dev, a, c.MTU); err != nil {
			return err
		}
	}
	return nil
}

func checkAddr(dev string, a netip.Addr, mtu int) error {
	switch {
	case a.Is4In6():
		return fmt.Errorf("netconf: %s: %v is an IPv4 address in IPv6 form: write %v", dev, a, a.Unmap())
	case a.Zone() != "":
		return fmt.Errorf("netconf: %s: %v: leave the zone out", dev, a)
	case a.IsUnspecified(), a.IsMulticast():
		return fmt.Errorf("netconf: %s: %v is not the address of a host", dev, a)
	case a.Is6() && mtu != 0 && mtu < minMTU6:
		return fmt.Errorf("netconf: %s: IPv6 (%v) needs an MTU of %d or more, not %d", dev, a, minMTU6, mtu)
	}
	return nil
}

// routes are the peers that no subnet of the addresses reaches.
func (c Config) routes() []netip.Prefix {
	var out []netip.Prefix
peers:
	for _, peer := range c.Peers {
		for _, p := range c.Addrs {
			if p.Contains(peer) {
				continue peers
			}
		}
		out = append(out, netip.PrefixFrom(peer, peer.BitLen()))
	}
	return out
}
