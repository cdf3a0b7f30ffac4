// Package trace has the types of what the floors report.
//
// Every floor that is given a [Recorder] tells it what happens there: a
// segment crossed the wire, an HTTP request became a WebSocket, a frame or a
// Socket.IO event came or went. An [Event] says when, on which host, in which
// direction and on which connection; its What says the rest, and on which OSI
// layer. A nil Recorder costs a comparison, and so does one that says that it does
// not want to know now (see [Selective]).
//
// The packages below this one (trace/ladder, trace/pcapng) make pictures of
// the events; this one imports nothing but the standard library, so that every
// floor may import it.
//
//	rec := trace.RecorderFunc(func(e trace.Event) {
//		fmt.Println(e.At.Format(time.TimeOnly), e.What.Layer(), e.What)
//	})
package trace
