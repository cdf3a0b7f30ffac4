// Command bench measures strata/ws beside other WebSocket libraries for Go, in
// one run, on the same machine: echo over loopback and over the wire in memory,
// pipelined and one at a time, compressed echo, broadcast, the latency of lone
// messages, and the memory of idle connections. Each server is a process of its
// own; the client is the same for all, speaks raw frames, and allocates nothing
// while it measures.
//
//	go run . [-quick] [-only 64B] [-servers strata/event,gws]
//
// Rows are the medians of rounds in which the servers take turns. Below each is
// the processor time that the server needed for a message, which says more than
// the rate does where the machine has other things to do, or the client is what
// bounds the rate.
//
// Where a server's time goes:
//
//	go run . -only '64B x50 depth 1' -servers strata/event -profile /tmp/echo
//	go tool pprof -top -nodecount 10 /tmp/echo.strata-event
//
// It is a module of its own, so that who uses strata does not inherit the other
// libraries. Two columns are no libraries: "bare" answers each frame with a write,
// without checking anything; "ceiling" answers all that it finds in one read with
// one write.
package main
