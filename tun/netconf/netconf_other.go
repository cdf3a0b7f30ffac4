//go:build !linux

package netconf

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"

	"strata/tun/internal/netns"
)

// ErrConflict is what [Configure]'s error answers to (errors.Is) where another
// device has the address or the subnet; never on this system.
var ErrConflict = errors.New("another device has it")

// Configure is not supported on this system: its error answers
// errors.ErrUnsupported and says how to do the same by hand.
func Configure(netns, dev string, c Config) error {
	if err := c.check(dev); err != nil {
		return err
	}
	if netns != "" {
		return fmt.Errorf("netconf: network namespace %q: %s has none: %w", netns, runtime.GOOS, errors.ErrUnsupported)
	}
	return fmt.Errorf("netconf: configuring %s is not supported on %s (%w); by hand: %s", dev, runtime.GOOS, errors.ErrUnsupported, strings.Join(byHand(dev, c), " && "))
}

// byHand is the same in the words of ifconfig (BSD, macOS) or netsh (Windows).
func byHand(dev string, c Config) []string {
	var cmds []string
	if runtime.GOOS == "windows" {
		for _, p := range c.Addrs {
			if p.Addr().Is6() {
				cmds = append(cmds, fmt.Sprintf(`netsh interface ipv6 add address "%s" %v`, dev, p))
			} else {
				cmds = append(cmds, fmt.Sprintf(`netsh interface ipv4 add address "%s" %v`, dev, p))
			}
		}
		if c.MTU != 0 {
			cmds = append(cmds, fmt.Sprintf(`netsh interface ipv4 set subinterface "%s" mtu=%d`, dev, c.MTU))
		}
		return cmds
	}
	for _, p := range c.Addrs {
		if p.Addr().Is6() {
			cmds = append(cmds, fmt.Sprintf("ifconfig %s inet6 %v", dev, p))
			continue
		}
		peer := p.Addr() // a utun device is point to point
		for _, a := range c.Peers {
			if a.Is4() {
				peer = a
			}
		}
		cmds = append(cmds, fmt.Sprintf("ifconfig %s inet %v %v", dev, p, peer))
		cmds = append(cmds, fmt.Sprintf("route add -net %v -interface %s", p.Masked(), dev))
	}
	for _, p := range c.routes() {
		cmds = append(cmds, fmt.Sprintf("route add -%s %v -interface %s", family(p.Addr()), p.Addr(), dev))
	}
	if c.MTU != 0 {
		cmds = append(cmds, fmt.Sprintf("ifconfig %s mtu %d", dev, c.MTU))
	}
	if c.Up {
		cmds = append(cmds, fmt.Sprintf("ifconfig %s up", dev))
	}
	return cmds
}

func family(a netip.Addr) string {
	if a.Is6() {
		return "inet6"
	}
	return "inet"
}

// LoopbackUp does nothing: a loopback interface is up on this system.
func LoopbackUp(netns string) error { return InNamespace(netns, func() error { return nil }) }

// InNamespace runs f; only Linux has namespaces, so a name is an error.
func InNamespace(name string, f func() error) error { return netns.Do(name, f) }
