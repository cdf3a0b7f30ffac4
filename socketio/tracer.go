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

// message records a packet. s is nil where the namespace is not joined.
func (t *tracer) message(dir trace.Direction, session *engineio.Session, s *Socket, p *parser.Packet) {
	if t.rec == nil {
		return
	}
	m := dispatch.MessageOf(p)
	if s != nil {
		m.SID = s.id
	}
	t.rec.Record(trace.Event{At: time.Now(), Host: t.host, Dir: dir, Flow: session.Flow(), What: m})
}
