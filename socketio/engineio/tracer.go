package engineio

import (
	"net"
	"net/http"
	"time"

	"strata/trace"
)

// tracer tells a recorder what happens, where there is one.
type tracer struct {
	rec  trace.Recorder
	host string
}

// on says whether the recorder wants to be told of a connection, before an event
// is made.
func (t *tracer) on(flow trace.Flow) bool { return trace.Wants(t.rec, flow, trace.Outline) }

func (t *tracer) record(dir trace.Direction, flow trace.Flow, what trace.What) {
	if t.on(flow) {
		t.rec.Record(trace.Event{At: time.Now(), Host: t.host, Dir: dir, Flow: flow, What: what})
	}
}

func (t *tracer) engine(dir trace.Direction, flow trace.Flow, typ packetType, sid string, tr Transport, size int) {
	if t.on(flow) { // before the event is made
		t.record(dir, flow, trace.Engine{Type: typ.String(), SID: sid, Transport: string(tr), Len: size})
	}
}

// queued tells of what the layer above says of messages that were queued.
func (t *tracer) queued(flow trace.Flow, sid string, messages []Outgoing) {
	if !t.on(flow) {
		return
	}
	for i := range messages {
		if o := messages[i].told; o != nil {
			m, now := o.Message, time.Now()
			m.Session, m.Waited = sid, now.Sub(o.emitted)
			t.rec.Record(trace.Event{At: now, Host: t.host, Dir: trace.Out, Flow: flow, What: m})
		}
	}
}

// requestFlow is the connection that a request came by.
func (t *tracer) requestFlow(r *http.Request) trace.Flow {
	if t.rec == nil {
		return trace.Flow{}
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return trace.FlowOf(local, textAddr(r.RemoteAddr))
}

// textAddr is an address of which only the text is known.
type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

// statusWriter remembers the status of an answer, for the trace.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
