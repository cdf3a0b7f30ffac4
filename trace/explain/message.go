package explain

import (
	"time"

	"strata/trace"
)

// Message is something that a program sent to another: an HTTP request or
// response, a WebSocket message, or a Socket.IO packet, which one or more of
// those carry.
type Message struct {
	What trace.What // an HTTP, the first Frame, or a Message
	Conn *Conn

	// Sent is when the program gave it to the floor that told of it, Received
	// when the other had all of it; zero where that was not told.
	Sent, Received time.Time

	// Its bytes in the connection's stream, TLS included: from From up to To.
	From, To uint64

	Carriers []*Message // what carries it: of a Socket.IO packet
	Carries  []*Message // the Socket.IO packets that it carries

	Events []int // what was told of it, as indices into the story's events

	half *half
}

// FromOpener says that the end that opened the connection has sent it.
func (m *Message) FromOpener() bool { return m.half == m.Conn.halves[0] }

// Sender and Receiver are the names of the hosts; empty where not told.
func (m *Message) Sender() string   { return m.half.host }
func (m *Message) Receiver() string { return m.half.other().host }

// settle gives a packet the place of what carries it, where that is one
// connection.
func (m *Message) settle() {
	for _, c := range m.Carriers {
		if c.From == c.To || c.half != m.Carriers[0].half {
			m.From, m.To = 0, 0
			return
		}
		m.half, m.Conn = c.half, c.Conn
		m.extend(span{c.From, c.To})
	}
}

// extend gives it more bytes.
func (m *Message) extend(s span) {
	if m.To == m.From {
		m.From = s.from
	}
	m.From = min(m.From, s.from)
	m.To = max(m.To, s.to)
}

// send begins a message, or receives the first that is on its way.
func (s *Story) send(h *half, i int, e trace.Event) *Message {
	m := &Message{What: e.What, Conn: h.conn, Sent: e.At, Events: []int{i}, half: h}
	s.Messages = append(s.Messages, m)
	h.frames = append(h.frames, m)
	return m
}

// receive is the message that is received next. TCP keeps the order, so it is
// the one that was sent first of those that were not received; nil where that
// cannot be, since what is received was sent before the recording began.
func (h *half) receive(i int, e trace.Event) *Message {
	if len(h.frames) == 0 || !h.mayBe(h.frames[0], e.What) {
		return nil
	}
	m := h.frames[0]
	h.frames = h.frames[1:]
	m.Events = append(m.Events, i)
	m.Received = e.At
	return m
}

// mayBe says whether what is received now may be m: the program has read so far,
// and it looks like it.
func (h *half) mayBe(m *Message, what trace.What) bool {
	if n := len(h.read); n > 0 && m.From < m.To && h.read[n-1].to <= m.From {
		return false
	}
	sent, ok := m.What.(trace.Frame)
	got, ok2 := what.(trace.Frame)
	return ok == ok2 && sent.Opcode == got.Opcode && sent.Fin == got.Fin && sent.Len == got.Len
}

// http is for a request or response.
func (s *Story) http(i int, e trace.Event) {
	h := s.of(e)
	switch {
	case h == nil:
	case e.Dir == trace.Out:
		m := s.send(h, i, e)
		h.carry(m, "polling")
		h.carrier.told(m, 0)
	case e.Dir == trace.In:
		h.receive(i, e)
	}
}

// frame is for a WebSocket frame: control frames are messages of their own, and
// may come between the frames of another.
func (s *Story) frame(i int, e trace.Event, f trace.Frame) {
	h := s.of(e)
	if h == nil {
		return
	}
	if e.Dir == trace.Out {
		m := h.going
		if m == nil || f.Opcode != "continuation" {
			m = s.send(h, i, e)
			if !control(f) {
				h.carry(m, "websocket")
			}
		} else {
			m.Events = append(m.Events, i)
		}
		if !control(f) {
			h.going = m
			if f.Fin {
				h.going = nil
			}
		}
		h.carrier.told(m, f.Size())
		return
	}
	if f.Opcode == "continuation" && h.coming != nil {
		h.coming.Events = append(h.coming.Events, i)
		h.coming.Received = e.At
		if f.Fin {
			h.coming = nil
		}
		return
	}
	m := h.receive(i, e)
	if m != nil && !control(f) && !f.Fin {
		h.coming = m
	}
}

func control(f trace.Frame) bool {
	return f.Opcode == "close" || f.Opcode == "ping" || f.Opcode == "pong"
}
