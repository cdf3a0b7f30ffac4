package serve

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"strata/link"
	"strata/tun"
)

// Config says what to serve, and where.
type Config struct {
	Device  string      // the interface's name in the kernel
	TAP     bool        // Ethernet; false is bare IP (TUN)
	Netns   string      // the namespace of the kernel's side: a name, or a path; empty is this one
	MTU     int         // bytes
	Offload tun.Offload // whether segments cross the device 64 KiB at a time

	// Addr is our address and Peer the kernel's, with the network's size.
	Addr, Peer netip.Prefix
	// Addr6 and Peer6 are the same for IPv6; both zero is none.
	Addr6, Peer6 netip.Prefix

	AckDelay time.Duration // as stack.Config has it

	// Spare has the program take as few processors as it needs, see
	// [processors.Spare].
	Spare bool

	// Shape is what the wire between us and the device does to the packets that
	// leave us, Back what it does to those that come; both zero is no wire at
	// all. Seed is what they leave to chance.
	Shape, Back link.Shape
	Seed        uint64

	// Inspect is where a live page is served that shows the host and steers the
	// wire: an address of the kernel's, like 127.0.0.1:7070 (see inspect.Listen);
	// empty is none. With it there is always a wire.
	Inspect string

	Port int  // of the services; 0 is 80, with TLS 443
	TLS  bool // https and wss, by a certificate made for this run

	Capture string // the file for a capture of all that crosses the device (pcapng); empty is none

	// Command is run in the kernel's namespace once everything is served, and
	// Run ends with it; empty is none.
	Command []string

	Output Output
	Stdout io.Writer // what was asked for: the story, or JSON lines
	Stderr io.Writer // warnings
	Color  bool      // Stdout is a terminal that shows colours
	Width  int       // of that terminal, columns; 0 is 100
}

// Output says what is told on standard output.
type Output struct {
	Quiet   bool // nothing
	Verbose bool // every connection's ladder
	JSON    bool // JSON lines
}

// IPv6 is switched off below the least MTU it allows (RFC 8200 §5).
const minMTU6 = 1280

// maxAckDelay is what no acknowledgement may wait for (RFC 1122 §4.2.3.2).
const maxAckDelay = 500 * time.Millisecond

func (c *Config) validate() error {
	lo, hi := tun.MinMTU, tun.MaxMTU
	if c.TAP {
		hi = tun.MaxMTUTAP
	}
	if c.MTU < lo || c.MTU > hi {
		return fmt.Errorf("--mtu %d: must be from %d to %d", c.MTU, lo, hi)
	}
	if c.AckDelay < 0 || c.AckDelay >= maxAckDelay {
		return fmt.Errorf("--ack-delay %v: must be from 0 to less than %v", c.AckDelay, maxAckDelay)
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("--port %d: must be from 1 to 65535", c.Port)
	}
	if c.Port == 0 {
		c.Port = 80
		if c.TLS {
			c.Port = 443
		}
	}
	if c.Port == dnsPort {
		return fmt.Errorf("--port %d: the names are served there", dnsPort)
	}
	for _, s := range []link.Shape{c.Shape, c.Back} {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	if err := checkPair("--addr", "--peer", c.Addr, c.Peer, true); err != nil {
		return err
	}
	if !c.Addr6.IsValid() && !c.Peer6.IsValid() {
		return nil
	}
	return checkPair("--addr6", "--peer6", c.Addr6, c.Peer6, false)
}

// shaped reports whether there is a wire between us and the device.
func (c *Config) shaped() bool { return c.Shape.String() != "" || c.Back.String() != "" }

// checkPair sees to it that we and the kernel can reach each other.
func checkPair(ours, theirs string, a, p netip.Prefix, want4 bool) error {
	for i, x := range []netip.Prefix{a, p} {
		flag := []string{ours, theirs}[i]
		switch {
		case !x.IsValid():
			example := "fd77::2/64"
			if want4 {
				example = "10.77.0.2/24"
			}
			return fmt.Errorf("%s: an address with its network's size is wanted, like %s", flag, example)
		case x.Addr().Is4() != want4:
			return fmt.Errorf("%s %v: is of the other address family", flag, x)
		case x.Addr().IsUnspecified() || x.Addr().IsMulticast() || x.Addr().IsLoopback():
			return fmt.Errorf("%s %v: is not an address a host can have here", flag, x)
		case want4 && x.Bits() < 31 && (x.Addr() == x.Masked().Addr() || x.Addr() == broadcast(x)):
			return fmt.Errorf("%s %v: is the network's own or its broadcast address", flag, x)
		}
	}
	switch {
	case a.Addr() == p.Addr():
		return fmt.Errorf("%s and %s are both %v: the kernel needs an address of its own", ours, theirs, a.Addr())
	case !a.Contains(p.Addr()) || !p.Contains(a.Addr()):
		return fmt.Errorf("%s %v and %s %v: must be in one network", ours, a, theirs, p)
	}
	return nil
}

func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		a[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(a)
}
