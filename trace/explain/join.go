package explain

import (
	"slices"
	"time"

	"strata/trace"
)

// Story is a recording, joined.
type Story struct {
	Events   []trace.Event // as they were given
	Conns    []*Conn       // in the order of their beginning
	Messages []*Message    // in the order of their sending

	halves   map[trace.Flow]*half
	sessions map[sessionKey]*session
}

// Join joins the events of a recording. They are in the order in which they were
// told.
func Join(events []trace.Event) *Story {
	s := &Story{Events: events, halves: map[trace.Flow]*half{}, sessions: map[sessionKey]*session{}}
	for i, e := range events {
		switch what := e.What.(type) {
		case trace.Segment:
			s.segment(e, what)
		case trace.Passage:
			s.passage(e, what)
		case trace.Retransmission:
			if h := s.sent(e); h != nil {
				h.again[segmentAt{what.Seq, what.Len, e.At.UnixNano()}] = what.Why
			}
		case trace.Sender:
			if h := s.halves[e.Flow]; h != nil {
				h.state = append(h.state, senderAt{e.At, what})
			}
		case trace.Stream:
			s.stream(e, what)
		case trace.TLSRecord:
			s.record(e, what)
		case trace.Connection:
			s.connection(e, what)
		case trace.HTTP:
			s.http(i, e)
		case trace.Frame:
			s.frame(i, e, what)
		case trace.Engine:
			s.engine(i, e, what)
		case trace.Message:
			s.message(i, e, what)
		}
	}
	for _, h := range s.halves {
		h.carrier.end()
	}
	for _, m := range s.Messages {
		m.settle()
	}
	return s
}

// sent is the half that an event's host sends in, received the one that it
// receives; nil where the connection's beginning was not told.
func (s *Story) sent(e trace.Event) *half     { return s.halves[e.Flow] }
func (s *Story) received(e trace.Event) *half { return s.halves[e.Flow.Reverse()] }

// of is the half that an event is in.
func (s *Story) of(e trace.Event) *half {
	if e.Dir == trace.In {
		return s.received(e)
	}
	return s.sent(e)
}

func (s *Story) connection(e trace.Event, c trace.Connection) {
	h := s.sent(e)
	if h == nil || c.State != "ESTABLISHED" {
		return
	}
	if h == h.conn.halves[0] {
		h.conn.Established = e.At
	} else {
		h.conn.Accepted = e.At
	}
}

func (s *Story) segment(e trace.Event, seg trace.Segment) {
	if seg.Flags&trace.SYN != 0 && seg.Flags&trace.ACK == 0 {
		s.open(e, seg)
	}
	h := s.of(e)
	if h == nil {
		return
	}
	if e.Dir == trace.Out {
		s.sends(h, e, seg)
		return
	}
	// An acknowledgement is for the other half, and of interest to its sender
	// only; routers see it too.
	other := h.other()
	if e.Host != other.host || seg.Flags&trace.ACK == 0 || !other.known {
		return
	}
	a := ack{at: e.At, upTo: other.place(seg.Ack), sack: len(seg.Options.SACK) > 0}
	if n := len(other.acks); n > 0 {
		a.dup = seg.Len == 0 && a.upTo == other.acks[n-1].upTo
	}
	other.acks = append(other.acks, a)
}

// open makes a connection of a SYN that was not seen before.
func (s *Story) open(e trace.Event, seg trace.Segment) {
	flow := e.Flow
	if e.Dir == trace.In {
		flow = flow.Reverse()
	}
	if h := s.halves[flow]; h != nil && h.known && h.isn == seg.Seq {
		return // again, or by a router
	}
	c := &Conn{Flow: flow}
	if e.Dir == trace.Out {
		c.Began = e.At
	}
	for i, f := range [2]trace.Flow{flow, flow.Reverse()} {
		h := &half{conn: c, flow: f, again: map[segmentAt]string{}, pieces: map[span][]*piece{}}
		h.carrier.half = h
		c.halves[i] = h
		if old := s.halves[f]; old != nil {
			old.carrier.end()
		}
		s.halves[f] = h
	}
	c.halves[0].isn, c.halves[0].known = seg.Seq, true
	s.Conns = append(s.Conns, c)
}

func (h *half) other() *half {
	if h == h.conn.halves[0] {
		return h.conn.halves[1]
	}
	return h.conn.halves[0]
}

// sends notes a segment that a host handed to its link.
func (s *Story) sends(h *half, e trace.Event, seg trace.Segment) {
	if h.host == "" {
		h.host = e.Host
	}
	if e.Host != h.host {
		return // a router
	}
	if seg.Flags&trace.SYN != 0 {
		h.isn, h.known = seg.Seq, true
		h.opens = append(h.opens, &transmission{at: e.At, seq: seg.Seq, len: seg.Len, again: len(h.opens) > 0})
		return
	}
	if seg.Len == 0 || !h.known {
		return
	}
	from := h.place(seg.Seq)
	t := &transmission{at: e.At, span: span{from, from + offset(seg.Len)}, seq: seg.Seq, len: seg.Len, again: from < h.sentTo}
	h.sentTo = max(h.sentTo, t.to)
	h.sends = append(h.sends, t)
}

// passage notes what became of a packet on a wire.
func (s *Story) passage(e trace.Event, p trace.Passage) {
	seg, ok := p.Packet.(trace.Segment)
	h := s.halves[e.Flow]
	if !ok || h == nil || !h.known || p.Injected {
		return
	}
	switch {
	case seg.Flags&trace.SYN != 0:
		h.onWire(h.opens, span{}, e.At, p)
	case seg.Len > 0:
		from := h.place(seg.Seq)
		h.onWire(h.sends, span{from, from + offset(seg.Len)}, e.At, p)
	}
}

// onWire gives a passage to the piece that went that way: one that had come to
// the wire's beginning when the passage began, else one of the transmission that
// began then.
func (h *half) onWire(sends []*transmission, at span, ended time.Time, p trace.Passage) {
	for _, known := range h.pieces[at] {
		last := known.hops[len(known.hops)-1]
		if last.Dropped == "" && !known.passed(p.Wire) && !p.Sent.Before(last.at) {
			known.pass(ended, p)
			return
		}
	}
	var of *transmission
	for i := len(sends) - 1; i >= 0 && of == nil; i-- {
		if t := sends[i]; !t.at.After(p.Sent) && t.covers(at) {
			of = t
		}
	}
	if of == nil {
		return
	}
	n := &piece{of: of, span: at}
	of.pieces = append(of.pieces, n)
	h.pieces[at] = append(h.pieces[at], n)
	n.pass(ended, p)
}

// passed says whether the piece went over a wire.
func (p *piece) passed(wire string) bool {
	return slices.ContainsFunc(p.hops, func(h hop) bool { return h.Wire == wire })
}

func (p *piece) pass(ended time.Time, w trace.Passage) {
	p.hops = append(p.hops, hop{ended, w})
	p.arrived = time.Time{}
	if _, lost := p.lost(); !lost {
		p.arrived = ended
	}
}
