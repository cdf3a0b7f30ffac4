package socketio

import (
	"time"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
	"strata/trace"
)

// tracer tells a recorder of packets, where there is one.
type tracer struct {
	rec  trace.Recorder
	host string
}

// received records a packet that came. s is nil where the namespace is not
// joined.
func (t *tracer) received(session *engineio.Session, s *Socket, p *parser.Packet) {
	if t.rec == nil {
		return
	}
	m := dispatch.MessageOf(p)
	m.Session = session.ID()
	if s != nil {
		m.SID = s.id
	}
	t.rec.Record(trace.Event{At: time.Now(), Host: t.host, Dir: trace.In, Flow: session.Flow(), What: m})
}

// sending has a packet recorded when its messages are queued. s is nil where the
// namespace is not joined.
func (t *tracer) sending(s *Socket, p *parser.Packet, messages []engineio.Outgoing) []engineio.Outgoing {
	if t.rec == nil {
		return messages
	}
	m := dispatch.MessageOf(p)
	if s != nil {
		m.SID = s.id
	}
	return dispatch.Told(messages, m)
}
