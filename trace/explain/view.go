package explain

import (
	"time"

	"strata/trace"
)

// Half is one direction of a connection, for who draws it: what one end has
// sent, and what became of that. It is made anew whenever it is asked for.
type Half struct {
	Flow       trace.Flow // as the sender sees it
	From, To   string     // the hosts' names; empty where not told
	FromOpener bool       // the end that opened the connection has sent it
	ISN        uint32     // the sender's SYN's sequence number; 0 also where not told

	Sent   []*Transmission // SYNs, then what had data, each in the order of sending
	States []State         // what the sender knew, in the order of time

	half *half
	of   map[*transmission]*Transmission
}

// Transmission is a segment, or super-segment, that a host handed to its link.
type Transmission struct {
	At       time.Time
	SYN      bool   // a SYN or SYN-ACK; without bytes then
	Seq      uint32 // as sent
	Len      int    // payload, bytes
	From, To uint64 // its bytes in the stream
	Again    bool   // all or part of it was sent before
	Why      string // it was sent again: one of trace's Why… words; empty where not told
	Pieces   []Piece
}

// Piece is a transmission, or a part of one that a wire has cut, on its way.
type Piece struct {
	From, To uint64
	Hops     []Hop     // wire by wire
	Arrived  time.Time // at the receiving host; zero where it did not
}

// Hop is a piece's way over one wire.
type Hop struct {
	Ended time.Time // when it had arrived, or was dropped
	trace.Passage
}

// Lost is why the packet did not get over the wire: one of trace's Dropped…
// words; empty where it did. What came with a flipped bit the host drops.
func (h Hop) Lost() string {
	if h.Dropped == "" && h.Corrupted {
		return trace.DroppedCorrupt
	}
	return h.Dropped
}

// State is what a sender knew from a moment on.
type State struct {
	At time.Time
	trace.Sender
}

// Halves are the connection's directions: first what the end that opened it
// has sent.
func (c *Conn) Halves() [2]*Half {
	return [2]*Half{c.halves[0].view(), c.halves[1].view()}
}

// Carrying are the transmissions of any of the stream's bytes from from up to
// to, in the order of sending: all of them are in Sent.
func (h *Half) Carrying(from, to uint64) []*Transmission {
	var all []*Transmission
	for _, t := range h.half.sending(span{from, to}) {
		all = append(all, h.of[t])
	}
	return all
}

func (h *half) view() *Half {
	v := &Half{
		Flow: h.flow, From: h.host, To: h.other().host, FromOpener: h == h.conn.halves[0], ISN: h.isn,
		half: h, of: map[*transmission]*Transmission{},
	}
	for _, t := range h.opens {
		n := h.viewOf(t)
		n.SYN = true
		v.Sent = append(v.Sent, n)
	}
	for _, t := range h.sends {
		n := h.viewOf(t)
		v.of[t] = n
		v.Sent = append(v.Sent, n)
	}
	for _, s := range h.state {
		v.States = append(v.States, State{s.at, s.Sender})
	}
	return v
}

func (h *half) viewOf(t *transmission) *Transmission {
	n := &Transmission{At: t.at, Seq: t.seq, Len: t.len, From: t.from, To: t.to, Again: t.again}
	if t.again {
		n.Why = h.whyAgain(t)
	}
	for _, p := range t.pieces {
		view := Piece{From: p.from, To: p.to, Arrived: p.arrived}
		for _, hop := range p.hops {
			view.Hops = append(view.Hops, Hop{hop.at, hop.Passage})
		}
		n.Pieces = append(n.Pieces, view)
	}
	return n
}

// whyAgain is what a transmission was sent again for; empty where not told.
func (h *half) whyAgain(t *transmission) string {
	return h.again[segmentAt{t.seq, t.len, t.at.UnixNano()}]
}
