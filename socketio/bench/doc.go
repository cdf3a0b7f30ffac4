// Command bench measures our server beside Node's official one on the same
// machine, with the same load generator, one after the other:
//
//	go run ./socketio/bench            # about four minutes
//	go run ./socketio/bench -quick     # about a minute
//
// It wants Node and the packages of socketio/interop; without them it measures
// only ours. The figures: resident memory an idle WebSocket client costs, echoes
// with an ack a second, deliveries of a broadcast a second and how long the
// slowest hundredth takes, connections a second, and of most of these what the
// server alone takes of the processors. A bare WebSocket that echoes says how much
// of the time is not Socket.IO's. Server and load share the
// machine's processors, so that figures of different machines cannot be compared;
// the ratios can.
package main
