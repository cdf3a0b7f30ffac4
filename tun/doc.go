// Package tun opens a TUN or TAP device and is a link endpoint of gVisor's
// stack: every packet that the kernel routes to the device arrives at our stack
// as raw IP (TUN) or in an Ethernet frame (TAP), and what our stack sends goes
// to the kernel.
//
//	dev, err := tun.Open(tun.Config{Name: "strata0"})
//	if err != nil {
//		return err // one line, with what to do: permission, name, namespace, …
//	}
//	h := stack.New(stack.Config{Name: "server"})
//	_, err = h.Attach(dev, netip.MustParsePrefix("10.77.0.2/24")) // h closes dev
//
// The kernel's side (its address, its MTU, up) is set with package netconf.
//
// There are two backends. On Linux a device with offloads (IFF_VNET_HDR and
// TUNSETOFFLOAD) moves TCP segments of up to 64 KiB in one read or write, with
// checksums left to whoever needs them: ten times the throughput of one packet
// a read. Everywhere else, and with Offload Off, songgao/water moves one packet
// at a time.
//
// A device with offloads hands over packets as the kernel keeps them: TCP
// super-segments beyond the MTU, and checksums that hold the pseudo-header's
// part only; which is which is said in the packet's GSOOptions. Our own stack
// takes both, and so does another device with offloads. Whoever else forwards
// such packets, or writes them to a capture, must segment and complete them
// first. What the kernel does
// not vouch for is verified here; the one thing nobody verifies is the checksum
// of a UDP datagram that arrives in IP fragments.
//
// What is not there: several queues (IFF_MULTI_QUEUE), batched writes, UDP
// segmentation offload, VLAN tags, persistent devices (an existing one is
// opened, none is made).
package tun
