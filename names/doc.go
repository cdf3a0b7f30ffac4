// Package names finds addresses of names, and answers who asks for them.
//
// A [Table] is a host table: names, wildcards (*.strata.test), addresses, and
// the way back. A [Resolver] asks name servers, over UDP and, where an answer
// did not fit, over TCP; it makes its connections by a function it is given, so
// it works from a host of ours as well as from the kernel. Both are what
// stack.Host.SetResolver and the dialers of tcp and udp want; [Chain] asks
// several, one after the other. A [Server] is a small authoritative name server
// for one zone, whose data is a Table.
//
//	table := &names.Table{}
//	table.Add("strata.test", netip.MustParseAddr("10.77.0.2"))
//	table.Add("*.strata.test", netip.MustParseAddr("10.77.0.2"))
//	client.SetResolver(table)
//
//	dns, err := names.NewServer(names.ServerConfig{Zone: "strata.test", Table: table})
//	pc, err := udp.Listen(server, "udp", ":53")
//	go dns.ServePacket(pc)
//	defer dns.Close()
//
// Names are ASCII: one in other letters is given in its "xn--" form (RFC 5891).
package names
