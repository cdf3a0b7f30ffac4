// Package hostile makes the packets that nobody should send, for tests of what
// becomes of those who get them: SYNs of connections that are never opened, and
// bytes that only look like packets, or not even that.
//
//	r := rand.New(rand.NewPCG(1, 2)) // the same packets every time
//	for range 100_000 {
//		send(hostile.Garbage(r, netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")))
//	}
package hostile
