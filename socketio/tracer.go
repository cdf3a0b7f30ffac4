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

// on says whether the recorder wants to be told of a session, before an event is
// made; nil is any.
func (t *tracer) on(session *engineio.Session) bool {
	return trace.Wants(t.rec, trace.Flow{}, trace.Outline) && (session == nil || trace.Wants(t.rec, session.Flow(), trace.Outline))
}

// received records a packet that came. s is nil where the namespace is not
// joined.
func (t *tracer) received(session *engineio.Session, s *Socket, p *parser.Packet) {
	if !t.on(session) {
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
	var session *engineio.Session
	var sid string
	if s != nil {
		session, sid = s.conn.session, s.id
	}
	if !t.on(session) {
		return messages
	}
	m := dispatch.MessageOf(p)
	m.SID = sid
	return dispatch.Told(messages, m)
}
