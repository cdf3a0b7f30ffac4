// Package annotate writes on each packet of a capture what its part in the story
// is, where Wireshark shows it: which bytes of which message it carries, that it
// was lost, and where, what it was sent again for, what had to wait for it.
//
//	var wire bytes.Buffer
//	rec := trace.NewRecording(0)
//	lab.Run(t, func(w *lab.World) {
//		w.CaptureTo(&wire)
//		…
//	}, lab.Record(rec))
//	events, _ := rec.Events()
//	err := annotate.Capture(file, &wire, explain.Join(events))
//
// The capture and the recording are of the same hosts by the same clock. What is
// in the capture only gets no comment; TLS keys in it stay.
package annotate
