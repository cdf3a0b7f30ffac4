// Package netconf configures the kernel's side of a TUN or TAP device: its
// addresses, its MTU, up; in any network namespace, without leaving its own. It
// speaks netlink (Linux); elsewhere its functions say how to do it by hand.
//
//	dev, err := tun.Open(tun.Config{Name: "strata0", Netns: "blue"})
//	…
//	err = netconf.Configure("blue", dev.Name(), netconf.Config{
//		MTU:   1500,
//		Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")},
//		Up:    true,
//	})
//
// Nothing has to be undone: the kernel drops addresses and routes of a device
// with the device.
package netconf
