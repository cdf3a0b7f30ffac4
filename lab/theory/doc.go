// Package theory has the formulas that experiments stand beside: what TCP's
// congestion control sends over a path that loses packets, and when a heartbeat,
// keepalive or user timeout notices that a peer is gone.
//
//	perRTT := theory.Mathis(0.01, theory.Random)     // 13.1 segments a round trip
//	rate := theory.Padhye(theory.Path{Loss: 0.01, RTT: 100 * time.Millisecond, RTO: 300 * time.Millisecond}) // segments a second
//	beat := theory.Heartbeat{Interval: 25 * time.Second, Timeout: 20 * time.Second}
//	fmt.Println(beat.NoticedWithin()) // 45s
//
// They are closed forms with their sources and what they leave out; nothing here
// runs a network.
package theory
