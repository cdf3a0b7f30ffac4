// Package cable joins two network namespaces by a wire with a shape: a TUN or
// TAP device in each, and what [link.Shape] says between them. It is what the
// command strata link does: netem for kernels that have none, with a seed.
//
//	err := cable.Run(ctx, cable.Config{
//		A:     cable.Side{Netns: "blue", Device: "cable0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.78.0.1/24")}},
//		B:     cable.Side{Netns: "green", Device: "cable0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.78.0.2/24")}},
//		Shape: link.MustParseShape("delay 80ms loss 1%"),
//		Back:  link.MustParseShape("delay 80ms"),
//		MTU:   1500, Stdout: os.Stdout, Stderr: os.Stderr,
//	})
//
// While it runs, a program may change it through a socket ([Config].Control)
// that takes and answers JSON lines:
//
//	{"set":"ab","shape":"delay 80ms"}       what one direction does: ab, ba or both
//	{"set":"both","shape":{"loss":"5%"}}    the same as an object
//	{"down":"ab"}                           the cable is pulled: what is under way is lost
//	{"blackhole":"ba"}                      what is sent from now on is lost
//	{"up":"both"}                           the end of either
//	{"rule":"drop first syn-ack"}           a rule for packets, see [ParseRule]; it is given a number
//	{"rule":"drop every udp","on":"ab"}     for one direction
//	{"remove":1}                            the rule goes
//	{"counters":true}                       nothing but the answer
//
// Each is answered by one line, with the shapes and the counters of both
// directions (link.Counters):
//
//	{"ok":true,"rule":1,"ab":{"shape":"delay 80ms","counters":{…}},"ba":{…}}
//	{"ok":false,"error":"shape: \"banana\" at 7: …","ab":{…},"ba":{…}}
package cable
