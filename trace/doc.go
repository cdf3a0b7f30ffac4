// Package trace has the types of what the floors report.
//
// Every floor that is given a [Recorder] tells it what happens there: a
// segment crossed the wire, an HTTP request became a WebSocket, a frame or a
// Socket.IO event came or went. An [Event] says when, on which host, in which
// direction and on which connection; its What says the rest, and on which OSI
// layer. A nil Recorder costs a comparison, and so does one that says that it does
// not want to know now (see [Selective]).
//
// This package imports nothing but the standard library, so that every floor may
// import it. Of those below it,
//
//   - trace/explain joins the events, and says of a message where its time went;
//
//   - trace/ladder draws them for a terminal, or writes them as lines of JSON;
//
//   - trace/page draws what explain has joined as one HTML file, in lanes and time;
//
//   - trace/pcapng writes and reads captures, and trace/pcapng/annotate writes on
//     each packet of one what its part in the story is;
//
//   - trace/tlsrecord finds the TLS records in a stream's bytes.
//
//     rec := trace.RecorderFunc(func(e trace.Event) {
//     fmt.Println(e.At.Format(time.TimeOnly), e.What.Layer(), e.What)
//     })
package trace
