package page

import (
	"cmp"
	"slices"
	"time"

	"strata/trace"
	"strata/trace/explain"
)

// packet is a segment, or what a wire has cut of one, or something that is not
// TCP, and its way over the wires.
type packet struct {
	end
	at      time.Time
	arrived time.Time // zero where it did not, or that was not told
	text    string
	layer   trace.Layer
	from    int64 // its place in the stream; -1: it has none
	len     int
	ack     int64 // -1: none
	size    int
	again   string
	hops    []explain.Hop

	number int // in the page; -1: left out
}

// transmission takes one of a connection's segments with data, or a SYN.
func (t *teller) transmission(of end, s *explain.Transmission) {
	again := ""
	if s.Again {
		if again = s.Why; again == "" {
			again = "cause not told"
		}
	}
	for _, p := range s.Pieces {
		n := &packet{
			end: of, at: s.At, arrived: p.Arrived, layer: trace.Transport,
			from: int64(p.From), len: int(p.To - p.From), ack: -1, again: again, hops: p.Hops,
		}
		if seg, ok := p.Hops[0].Packet.(trace.Segment); ok {
			t.header(n, seg)
		}
		if s.SYN {
			n.from = -1
		}
		t.keep(s, n)
	}
	if len(s.Pieces) > 0 {
		return
	}
	// The wires were not recorded.
	n := &packet{end: of, at: s.At, layer: trace.Transport, from: int64(s.From), len: s.Len, ack: -1, again: again, text: "PSH-ACK"}
	if s.SYN {
		n.text, n.from = "SYN", -1
		if of.back {
			n.text = "SYN-ACK"
		}
	}
	t.keep(s, n)
}

func (t *teller) keep(s *explain.Transmission, p *packet) {
	t.packets = append(t.packets, p)
	t.sent[s] = append(t.sent[s], p)
}

// header notes what is in a segment's header.
func (t *teller) header(p *packet, seg trace.Segment) {
	p.text, p.size = seg.Flags.String(), seg.Packet
	halves := t.halves[p.conn]
	if seg.Flags&trace.ACK != 0 {
		p.ack = int64(seg.Ack - halves[1-bit(p.back)].ISN - 1) // the numbers wrap around
	}
}

// control says which segments without data are copies of one another on
// several wires.
type control struct {
	flow  trace.Flow
	seq   uint32
	ack   uint32
	flags trace.Flags
	win   uint16
}

// collect takes what explain leaves aside: segments without data, what the
// wires themselves have made, and what is not TCP.
func (t *teller) collect() {
	opened := 0
	under := map[control][]*packet{}
	for _, e := range t.story.Events {
		what := e.What
		p, passed := what.(trace.Passage)
		if passed {
			what = p.Packet
		}
		seg, tcp := what.(trace.Segment)
		if tcp && seg.Flags&(trace.SYN|trace.ACK) == trace.SYN {
			opened = t.opening(opened, e, seg)
		}
		of, known := t.flows[e.Flow]
		switch {
		case tcp && known && (seg.Len > 0 || seg.Flags&trace.SYN != 0) && !p.Injected:
			// explain has it
		case tcp && known && !passed && e.Dir == trace.Out && e.Host == t.halves[of.conn][bit(of.back)].From:
			n := t.controlOf(of, seg, e.At)
			under[keyOf(e.Flow, seg)] = append(under[keyOf(e.Flow, seg)], n)
		case tcp && known && passed:
			hop := explain.Hop{Ended: e.At, Passage: p}
			n := follow(under[keyOf(e.Flow, seg)], hop)
			if n == nil {
				n = t.controlOf(of, seg, p.Sent)
				under[keyOf(e.Flow, seg)] = append(under[keyOf(e.Flow, seg)], n)
			}
			n.pass(hop)
		case passed && what != nil:
			n := &packet{end: end{conn: -1}, at: p.Sent, layer: what.Layer(), text: what.String(), from: -1, ack: -1}
			if d, ok := what.(trace.Datagram); ok {
				n.size = d.Len
			}
			n.pass(explain.Hop{Ended: e.At, Passage: p})
			t.packets = append(t.packets, n)
		}
	}
}

// opening follows which connection a flow's packets belong to: the next of
// those that explain has found, where a SYN of its begins. Ports come again.
func (t *teller) opening(opened int, e trace.Event, seg trace.Segment) int {
	if opened == len(t.halves) {
		return opened
	}
	h := t.halves[opened][0]
	if flow := e.Flow; seg.Seq != h.ISN || flow != h.Flow && flow.Reverse() != h.Flow {
		return opened
	}
	t.flows[h.Flow], t.flows[h.Flow.Reverse()] = end{opened, false}, end{opened, true}
	return opened + 1
}

func keyOf(f trace.Flow, s trace.Segment) control {
	return control{f, s.Seq, s.Ack, s.Flags, s.Window}
}

func (t *teller) controlOf(of end, seg trace.Segment, at time.Time) *packet {
	n := &packet{end: of, at: at, layer: trace.Transport, from: -1, len: seg.Len, ack: -1}
	t.header(n, seg)
	t.packets = append(t.packets, n)
	return n
}

// alike is how many of the newest segments that look the same are searched for
// the one that a passage belongs to: more than are ever under way.
const alike = 1 << 12

// follow finds the packet that had come to a wire's beginning last when a
// passage began there; nil: none.
func follow(all []*packet, next explain.Hop) (found *packet) {
	var since time.Time
	for i := len(all) - 1; i >= 0 && i >= len(all)-alike; i-- {
		p := all[i]
		ready := p.at
		if n := len(p.hops); n > 0 {
			last := p.hops[n-1]
			if last.Dropped != "" || last.Wire == next.Wire {
				continue
			}
			ready = last.Ended
		}
		if ready.Equal(next.Sent) {
			return p
		}
		if ready.Before(next.Sent) && (found == nil || ready.After(since)) {
			found, since = p, ready
		}
	}
	return found
}

func (p *packet) pass(h explain.Hop) {
	p.hops = append(p.hops, h)
	p.arrived = time.Time{}
	if h.Lost() == "" {
		p.arrived = h.Ended
	}
}

// number writes the packets and hops, in the order of sending.
func (t *teller) number() {
	slices.SortStableFunc(t.packets, func(a, b *packet) int { return a.at.Compare(b.at) })
	type hop struct {
		of int
		explain.Hop
	}
	var all []hop
	p := &t.out.Packets
	var before int64
	for i, n := range t.packets {
		if n.number = i; i >= t.limit {
			n.number = -1
			t.out.LeftOut.Packets++
			continue
		}
		at, took := t.at(n.at), int64(-1)
		if !n.arrived.IsZero() {
			took = t.at(n.arrived) - at
		}
		p.Conn, p.Back = append(p.Conn, n.conn), append(p.Back, bit(n.back))
		p.At, p.Took = append(p.At, at-before), append(p.Took, took)
		p.Text, p.Layer = append(p.Text, t.word(n.text)), append(p.Layer, int(n.layer))
		p.From, p.Len, p.Ack = append(p.From, n.from), append(p.Len, n.len), append(p.Ack, n.ack)
		p.Size, p.Again = append(p.Size, n.size), append(p.Again, t.word(n.again))
		before = at
		for _, h := range n.hops {
			all = append(all, hop{i, h})
		}
	}
	slices.SortStableFunc(all, func(a, b hop) int {
		return cmp.Or(a.Sent.Compare(b.Sent), a.Ended.Compare(b.Ended))
	})
	h := &t.out.Hops
	before = 0
	for _, n := range all {
		at := t.at(n.Sent)
		h.Packet = append(h.Packet, n.of)
		h.Wire = append(h.Wire, index(t.wires, &t.out.Wires, n.Wire))
		h.Sent = append(h.Sent, at-before)
		h.Queued, h.Serialized = append(h.Queued, n.Queued.Nanoseconds()), append(h.Serialized, n.Serialized.Nanoseconds())
		h.Delayed = append(h.Delayed, n.Delayed.Nanoseconds())
		h.Dropped, h.Note = append(h.Dropped, t.word(n.Lost())), append(h.Note, t.word(note(n.Passage)))
		before = at
	}
}

func note(p trace.Passage) string {
	switch {
	case p.Injected:
		return "made by the wire"
	case p.Copy:
		return "the wire's copy"
	case p.Corrupted:
		return "a bit was flipped"
	}
	return ""
}
