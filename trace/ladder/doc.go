// Package ladder draws what the floors report as a ladder: a sequence diagram
// in text, for the terminal.
//
// Two hosts are two columns, ours to the left; an event is a line: when, on
// which OSI layer, an arrow, and what.
//
//	           strata 10.77.0.2:80                             peer 10.77.0.1:40122
//	           │                                                                  │
//	 0 µs  L4  │◄─ SYN seq=4021 win=64240 len=0 mss=1460 sackOK ──────────────────│
//	34 µs  L4  │── SYN-ACK seq=99 ack=4022 win=29200 len=0 mss=1460 sackOK ──────►│
//	55 µs  L4  │◄─ ACK seq=4022 ack=100 win=64240 len=0 ──────────────────────────│
//	83 µs  L6  │◄─ WebSocket text fin masked len=5 “hello” ───────────────────────│
//
// A [Ladder] is a [trace.Recorder]. It shows one story ([First]), everything of
// one conversation ([Conversation]), or every connection ([All]). A
// [JSONLines] writes the same events for programs, one JSON object a line.
//
// Both may be told from the data path: Record copies into a bounded buffer,
// and a goroutine that lives only while there is something to write empties
// it. Where the reader is slower than the network (a terminal that was
// stopped), lines are left out, and a line says how many.
//
// Text that came from a peer is escaped: it can neither move the cursor nor
// change colours, however the terminal is set up.
package ladder
