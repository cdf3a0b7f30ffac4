package cable

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"strata/link"
	"strata/tun"
)

// Config says what to join, and by what.
type Config struct {
	A, B Side

	// Shape is what the direction from A to B does to packets, Back that from B
	// to A; zero is nothing.
	Shape, Back link.Shape
	Seed        uint64 // of all that the shapes leave to chance

	TAP     bool        // Ethernet; false is bare IP (TUN)
	MTU     int         // of both devices and of the wire, bytes
	Offload tun.Offload // whether segments cross the devices 64 KiB at a time

	Capture string // the file for a capture of what crosses both devices (pcapng); empty is none
	Control string // the path of the control socket; empty is none

	// Command is run in A's namespace once everything is joined, and Run ends
	// with it; empty is none.
	Command []string

	JSON   bool      // JSON lines on Stdout
	Stdout io.Writer // what was joined and, at the end, the counters
	Stderr io.Writer // warnings
}

// Side is one of the two namespaces.
type Side struct {
	Netns  string         // a name under /run/netns, or a path; empty is where we are
	Device string         // the interface's name there
	Addrs  []netip.Prefix // the kernel's addresses on it, IPv4 and IPv6
}

// IPv6 is switched off below the least MTU it allows (RFC 8200 §5).
const minMTU6 = 1280

// validate says what is wrong before anything is opened, and leaves out what
// the MTU does not allow; note says what that was.
func (c *Config) validate() (note string, err error) {
	lo, hi := tun.MinMTU, tun.MaxMTU
	if c.TAP {
		hi = tun.MaxMTUTAP
	}
	if c.MTU < lo || c.MTU > hi {
		return "", fmt.Errorf("--mtu %d: must be from %d to %d", c.MTU, lo, hi)
	}
	for _, s := range []link.Shape{c.Shape, c.Back} {
		if err := s.Validate(); err != nil {
			return "", err
		}
	}
	if sameNamespace(c.A.Netns, c.B.Netns) {
		return "", fmt.Errorf("--between: both ends are in network namespace %s: a kernel talks to itself without a cable", c.A.where())
	}
	if len(c.A.Addrs) != len(c.B.Addrs) {
		return "", fmt.Errorf("addresses: A has %d and B has %d", len(c.A.Addrs), len(c.B.Addrs))
	}
	for i, a := range c.A.Addrs {
		if err := checkPair(a, c.B.Addrs[i]); err != nil {
			return "", err
		}
	}
	if c.MTU < minMTU6 {
		for _, s := range []*Side{&c.A, &c.B} {
			var kept []netip.Prefix
			for _, p := range s.Addrs {
				if p.Addr().Is4() {
					kept = append(kept, p)
				} else {
					note = fmt.Sprintf("no IPv6: it needs an MTU of at least %d bytes", minMTU6)
				}
			}
			s.Addrs = kept
		}
	}
	return note, nil
}

// checkPair sees to it that the two sides reach each other.
func checkPair(a, b netip.Prefix) error {
	for _, p := range []netip.Prefix{a, b} {
		if !p.IsValid() || p.Addr().IsUnspecified() || p.Addr().IsMulticast() || p.Addr().IsLoopback() {
			return fmt.Errorf("address %v: is not one that a host can have here", p)
		}
	}
	switch {
	case a.Addr().Is4() != b.Addr().Is4():
		return fmt.Errorf("addresses %v and %v: are of different families", a, b)
	case a.Addr() == b.Addr():
		return fmt.Errorf("addresses: both sides are %v", a.Addr())
	case !a.Contains(b.Addr()) || !b.Contains(a.Addr()):
		return fmt.Errorf("addresses %v and %v: must be in one network", a, b)
	}
	return nil
}

// where names the namespace for people.
func (s Side) where() string {
	if s.Netns == "" {
		return "this one"
	}
	return s.Netns
}

// sameNamespace reports whether two names or paths are known to be of the same
// namespace; what cannot be looked at fails better when it is opened.
func sameNamespace(a, b string) bool {
	infoA, errA := os.Stat(namespacePath(a))
	infoB, errB := os.Stat(namespacePath(b))
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func namespacePath(ns string) string {
	switch {
	case ns == "":
		return "/proc/self/ns/net"
	case strings.Contains(ns, "/"):
		return ns
	}
	return "/run/netns/" + ns
}
