package tun_test

import (
	"fmt"
	"net/netip"
	"os"

	"strata/stack"
	"strata/tun"
	"strata/tun/netconf"
)

// A host of ours behind a TUN device in the namespace "blue": there, 10.77.0.2
// answers a ping.
func Example() {
	dev, err := tun.Open(tun.Config{Name: "strata0", Netns: "blue"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err) // one line, with what to do
		return
	}
	err = netconf.Configure("blue", dev.Name(), netconf.Config{
		MTU:   1500,
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")},
		Up:    true,
	})
	if err != nil {
		dev.Close()
		fmt.Fprintln(os.Stderr, err)
		return
	}
	h := stack.New(stack.Config{Name: "server"})
	defer h.Close() // and the device with it
	if _, err := h.Attach(dev, netip.MustParsePrefix("10.77.0.2/24")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	<-dev.Done()
}
