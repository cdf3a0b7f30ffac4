// Package page draws a recording as one HTML file: the seven layers as lanes,
// time across, and of each message where its time went.
//
//	rec := trace.NewRecording(0)
//	lab.Run(t, func(w *lab.World) { … }, lab.Record(rec))
//	events, _ := rec.Events()
//	err := page.WriteFile("story.html", explain.Join(events), page.Options{Title: t.Name()})
//
// The file has all that it needs in it and asks nobody for anything, which its
// Content-Security-Policy has the browser see to: it can be mailed, kept beside
// a build, and opened from a disk. What peers have said is in it as data and is
// shown as text.
//
// A click on a message lights up its way through the layers: its frame, its
// bytes of the stream, the segments that carried them, each time that they were
// sent, and their way over the wires; beside it are the parts of its latency,
// with their sum. Wheel, drag and pinch zoom and pan; so do the keys that "?"
// lists. A link to story.html#message=3 opens with that message, counted from 0 in
// the order of sending.
package page
