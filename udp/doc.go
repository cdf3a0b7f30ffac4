// Package udp listens and dials datagrams on a host of our own (package
// stack): the shapes of the standard library's net package, and the errors it
// gives on a kernel's sockets.
//
//	pc, err := udp.Listen(server, "udp", ":53")
//	n, from, err := pc.ReadFromUDPAddrPort(buf)
//	_, err = pc.WriteToUDPAddrPort(answer, from)
//
//	dialer := &udp.Dialer{Host: client}
//	conn, err := dialer.DialContext(ctx, "udp", "10.77.0.2:53")
//
// Deadlines are moments on the host's clock. Unlike a kernel's socket, one of
// both families gives an IPv4 sender's address as IPv4, not as IPv6-mapped
// IPv4. Multicast groups cannot be joined.
package udp
