// Package link is the data link: wires in memory, and a look at what crosses
// any link.
//
// A [Wire] joins two ends; each [End] is a gVisor link endpoint, so a host's
// stack can be attached to it. What one end sends travels one [Direction],
// which queues, counts and delivers on a [clock.Loop]. A [Tap] is put around
// any link endpoint (a wire's end, a TUN device) and shows each packet that
// passes to listeners: to a capture file, or as events to a trace.Recorder. A
// [View] is a packet parsed for reading.
//
// [Patch] joins two endpoints by a cord, so that a wire can lie between two
// devices, and a [Switch] joins any number that carry Ethernet frames.
//
// A wire is perfect until a direction has a [Shape] (delay, loss, a rate with
// its queue and more, in tc-netem's words) or the wire a [Rule], which decides
// about single packets. What is left to chance is drawn from the wire's seed, by
// packet number, so that one fault does not move another's draws. [Counters]
// account for every packet.
//
// There is no packet type of our own: what travels is gVisor's PacketBuffer,
// and super-packets of up to 64 KiB (generic segmentation offload) pass a
// perfect wire whole; any other cuts them into packets of at most one MTU.
//
//	wire := link.NewWire(link.WireConfig{AB: link.MustParseShape("delay 80ms loss 1%")})
//	client.Attach(wire.A(), netip.MustParsePrefix("10.0.0.1/24"))
//	server.Attach(wire.B(), netip.MustParsePrefix("10.0.0.2/24"))
//	wire.Rule(link.DropFirst(link.SYNACK))
package link
