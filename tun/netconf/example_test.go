package netconf_test

import (
	"errors"
	"fmt"
	"net/netip"

	"strata/tun/netconf"
)

// The kernel's side of a device in the namespace "blue": 10.77.0.1 is the
// kernel, and what it sends to the rest of 10.77.0.0/24 goes to the device.
func Example() {
	err := netconf.Configure("blue", "strata0", netconf.Config{
		MTU:   1500,
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fd77::1/64")},
		Up:    true,
	})
	if errors.Is(err, netconf.ErrConflict) {
		fmt.Println("somebody has that subnet:", err)
	}
}
