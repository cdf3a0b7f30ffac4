// Package stack is a host: a network stack of its own (gVisor's: IPv4, IPv6,
// ICMP, TCP, UDP, ARP and neighbour discovery) with any number of links,
// addresses and routes.
//
// A host listens and dials through the packages tcp and udp. What it needs of
// time and randomness comes from its [Config], so that the same host runs in
// real and in virtual time.
//
//	h := stack.New(stack.Config{Name: "server"})
//	defer h.Close()
//	eth0, err := h.Attach(dev, netip.MustParsePrefix("10.77.0.2/24"))
//	err = eth0.AddRoute(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("10.77.0.1"))
//	rtt, err := h.Ping(ctx, netip.MustParseAddr("10.77.0.1"))
package stack
