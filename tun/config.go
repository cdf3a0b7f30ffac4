package tun

import (
	"errors"
	"fmt"
	"io"
	"net"

	"strata/clock"
)

// Config says which device [Open] opens. The zero value is a TUN device that
// the kernel names, with MTU 1500, and offloads where the kernel has them.
type Config struct {
	// Name is the network interface's, at most 15 bytes; empty: the kernel
	// chooses (tun0, tap0, …).
	Name string

	// TAP asks for Ethernet frames; false: bare IP packets (TUN).
	TAP bool

	// MTU is the largest IP packet our side sends, in bytes: 68 to 65535, on
	// TAP to 65521; 0: 1500. The kernel's side has an MTU of its own: see
	// package netconf.
	MTU int

	// Offload says whether the kernel may hand over, and take, many TCP
	// segments as one packet of up to 64 KiB, and skip checksums; zero: Auto.
	Offload Offload

	// Netns is the network namespace the device is made in: a name under
	// /run/netns, or a path; empty: where the process is. The process stays
	// where it is. Linux only.
	Netns string

	// MAC is our link address, 6 bytes, TAP only (the kernel's side has its
	// own); empty: a random, locally administered one.
	MAC net.HardwareAddr

	// Rand is where a random MAC comes from; nil: clock.Rand().
	Rand io.Reader

	// Warn is told, at most once and before Open returns, that Offload Auto
	// had to do without offloads, and why; nil: nobody is.
	Warn func(string)
}

// Offload is whether a device uses segmentation and checksum offloads.
type Offload uint8

const (
	Auto Offload = iota // where the kernel has them, else without; the zero value
	On                  // or Open fails
	Off                 // one read or write a packet, every checksum computed
)

// String is "auto", "on" or "off".
func (o Offload) String() string {
	switch o {
	case Auto:
		return "auto"
	case On:
		return "on"
	case Off:
		return "off"
	}
	return fmt.Sprintf("Offload(%d)", uint8(o))
}

// ParseOffload is the inverse of [Offload.String].
func ParseOffload(s string) (Offload, error) {
	for _, o := range []Offload{Auto, On, Off} {
		if s == o.String() {
			return o, nil
		}
	}
	return Auto, fmt.Errorf("offload %q: it is auto, on or off", s)
}

// The bounds of an MTU. The least is IPv4's (RFC 791 §3.1); the most is what
// IPv4's total length can say, less the Ethernet header on TAP, as the kernel
// has it.
const (
	MinMTU     = 68
	MaxMTU     = 65535
	MaxMTUTAP  = MaxMTU - ethernetHeader
	defaultMTU = 1500
)

// check fills in the defaults, and says what is wrong in one line.
func (c Config) check() (Config, error) {
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	most, kind := MaxMTU, "TUN"
	if c.TAP {
		most, kind = MaxMTUTAP, "TAP"
	}
	if c.MTU < MinMTU || c.MTU > most {
		return c, fmt.Errorf("tun: MTU %d is out of range: a %s device takes %d to %d", c.MTU, kind, MinMTU, most)
	}
	if err := checkName(c.Name); err != nil {
		return c, err
	}
	if c.Offload > Off {
		return c, fmt.Errorf("tun: %v: there are only Auto, On and Off", c.Offload)
	}
	switch {
	case !c.TAP && len(c.MAC) > 0:
		return c, errors.New("tun: a TUN device has no MAC; ask for a TAP device, or leave the MAC out")
	case c.TAP && len(c.MAC) == 0:
		mac, err := randomMAC(c.Rand)
		if err != nil {
			return c, err
		}
		c.MAC = mac
	case c.TAP && len(c.MAC) != 6:
		return c, fmt.Errorf("tun: MAC %v has %d bytes; Ethernet's have 6", c.MAC, len(c.MAC))
	case c.TAP && c.MAC[0]&1 != 0:
		return c, fmt.Errorf("tun: MAC %v is a group address; a host's first byte is even", c.MAC)
	}
	return c, nil
}

// maxName is IFNAMSIZ less the closing zero.
const maxName = 15

// checkName applies the kernel's rules for names (dev_valid_name), so that
// what is wrong can be said better than by EINVAL. A % would make the kernel
// fill in a number: that is what an empty name is for.
func checkName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("tun: device name %q is too long: %d bytes, at most %d", name, len(name), maxName)
	}
	if name == "." || name == ".." {
		return fmt.Errorf("tun: device name %q is not a name", name)
	}
	for _, r := range []byte(name) {
		if r <= ' ' || r == '/' || r == ':' || r == '%' || r == 0x7f || r == 0xa0 {
			return fmt.Errorf("tun: device name %q: no spaces, control characters, '/', ':' or '%%'", name)
		}
	}
	return nil
}

// randomMAC is a locally administered unicast address (IEEE 802 §8.2).
func randomMAC(r io.Reader) (net.HardwareAddr, error) {
	if r == nil {
		r = clock.Rand()
	}
	mac := make(net.HardwareAddr, 6)
	if _, err := io.ReadFull(r, mac); err != nil {
		return nil, fmt.Errorf("tun: a random MAC: %w", err)
	}
	mac[0] = mac[0]&^1 | 2
	return mac, nil
}
