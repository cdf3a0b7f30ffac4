// Command bench measures strata/ws beside other WebSocket libraries for Go, in
// one run, on the same machine: echo over loopback and over the wire in memory,
// pipelined and one at a time, compressed echo, broadcast, and the memory of idle
// connections. Each server is a process of its own; the client is the same for
// all, speaks raw frames, and allocates nothing while it measures.
//
//	go run . [-quick] [-only 64B]
//
// It is a module of its own, so that who uses strata does not inherit the other
// libraries. Two rows are no libraries: "bare" answers each frame with a write,
// without checking anything; "ceiling" answers all that it finds in one read with
// one write.
package main
