package explain

import "strata/trace"

// sessionKey is one direction of an Engine.IO session, whatever carries it.
type sessionKey struct {
	sid      string
	toServer bool
}

// session joins what the layers above WebSocket and HTTP tell of one direction
// of an Engine.IO session, which keeps the order.
type session struct {
	queued  []*Message // Socket.IO packets that were handed to it, and have Engine.IO packets to come
	missing int        // of the first of them
	coming  []*Message // that were not received yet
}

// session is the direction in which an event went; nil where the connection's
// beginning was not told.
func (s *Story) session(sid string, e trace.Event) *session {
	h := s.of(e)
	if h == nil || sid == "" {
		return nil
	}
	key := sessionKey{sid, h == h.conn.halves[0]}
	if s.sessions[key] == nil {
		s.sessions[key] = &session{}
	}
	return s.sessions[key]
}

// message is for a Socket.IO packet.
func (s *Story) message(i int, e trace.Event, m trace.Message) {
	dir := s.session(m.Session, e)
	if dir == nil {
		return
	}
	if e.Dir == trace.Out {
		n := &Message{What: m, Conn: s.of(e).conn, half: s.of(e), Sent: e.At.Add(-m.Waited), Events: []int{i}}
		s.Messages = append(s.Messages, n)
		if dir.queued = append(dir.queued, n); len(dir.queued) == 1 {
			dir.missing = m.Packets
		}
		dir.coming = append(dir.coming, n)
		return
	}
	if len(dir.coming) > 0 && dir.coming[0].mayHaveCome() {
		n := dir.coming[0]
		dir.coming = dir.coming[1:]
		n.Received = e.At
		n.Events = append(n.Events, i)
	}
}

// mayHaveCome says whether any of the frames that carry a packet was received. If
// not, the packet that is received was sent before the recording began. Of what
// comes by long-polling the order of telling does not say.
func (m *Message) mayHaveCome() bool {
	frames := 0
	for _, c := range m.Carriers {
		if _, ok := c.What.(trace.Frame); !ok || !c.Received.IsZero() {
			return true
		}
		frames++
	}
	return frames == 0
}

// engine is for an Engine.IO packet: what is sent next over its connection
// carries it, and with it the Socket.IO packet that it is of.
func (s *Story) engine(i int, e trace.Event, p trace.Engine) {
	h := s.of(e)
	if h == nil || e.Dir != trace.Out {
		return
	}
	var of *Message
	if dir := s.session(p.SID, e); p.Type == "message" && dir != nil && len(dir.queued) > 0 {
		of = dir.queued[0]
		of.Events = append(of.Events, i)
		if dir.missing--; dir.missing == 0 {
			if dir.queued = dir.queued[1:]; len(dir.queued) > 0 {
				dir.missing = dir.queued[0].What.(trace.Message).Packets
			}
		}
	}
	h.engine = append(h.engine, enginePacket{of, p.Transport})
}

// enginePacket waits to be carried; of is nil where it is not of Socket.IO.
type enginePacket struct {
	of        *Message
	transport string
}

// carry has m, which is sent now, carry the Engine.IO packets that wait: a
// WebSocket message the first, an HTTP message all.
func (h *half) carry(m *Message, transport string) {
	for len(h.engine) > 0 && h.engine[0].transport == transport {
		of := h.engine[0].of
		h.engine = h.engine[1:]
		if of != nil {
			of.Carriers = append(of.Carriers, m)
			m.Carries = append(m.Carries, of)
		}
		if transport != "polling" {
			return
		}
	}
}
