// Package explain says why a message was late.
//
// What the floors of both ends and the wires between have told is joined: a
// message is bytes of a connection's stream, these are in segments, each of which
// had its way over the wires, or was lost there and sent again.
//
//	rec := trace.NewRecording(0)
//	lab.Run(t, func(w *lab.World) { … }, lab.Record(rec))
//	events, _ := rec.Events()
//	for _, m := range explain.Join(events).Messages {
//		fmt.Println(m.Explain())
//	}
//
// The parts of an explanation are intervals that follow each other from when the
// program sent the message until the other end had it: their sum is its latency,
// to the nanosecond. They go along the bytes that were last to arrive: from the
// message's writing to their first transmission, from there to the transmission
// that arrived, over the wires, then behind what was still missing before them.
//
// It wants a recording with details (stack.Config.Detail, and a Recorder for the
// wires: lab.Record does both) of both ends, from the beginning of a connection,
// and the upper floors' recorders (ws.AcceptOptions, ws.DialOptions, …) to be the
// same. What is not told cannot be joined: a message of which the recording has
// too little says so in place of an explanation.
package explain
