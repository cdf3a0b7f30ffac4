package ladder

import "strata/trace"

// stage is how far a TCP connection has come, as seen on the wire.
type stage uint8

const (
	unseen      stage = iota // no SYN yet: joined in the middle
	opening                  // a SYN went one way
	answered                 // a SYN-ACK the other
	established              // and its ACK
	closing                  // a FIN or RST
)

// conn follows a TCP connection, to tell what its segments mean.
type conn struct {
	out, in half
	opener  trace.Direction // who sent the SYN; zero: not seen
	stage   stage
}

// half is one direction of a connection.
type half struct {
	known bool
	base  uint32 // the sequence number that reads as 0
	next  uint32 // the one after the highest seen
	syn   bool   // the SYN was seen
	scale uint8  // the shift that the SYN offers, in force if both do
	can   bool   // the SYN offers one
	holes [8]span
	open  int // holes in use
}

// span is [from, to) in sequence numbers.
type span struct{ from, to uint32 }

// before compares sequence numbers (RFC 9293 §3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// mark is what is remarkable about a segment.
type mark uint8

const (
	ordinary       mark = iota
	retransmission      // all or the beginning of it was seen before
	outOfOrder          // it fills a hole
	afterHole           // something before it was not seen
	keepAlive           // RFC 9293 §3.8.4
)

func (m mark) String() string {
	return [...]string{"", "retransmission", "out of order", "after a hole", "keep-alive"}[m]
}

// verdict is what a segment means.
type verdict struct {
	mark      mark
	handshake bool   // it is one of the handshake's, or of one that failed
	opened    bool   // it is the handshake's last
	first     bool   // it is the first SYN
	seq, ack  uint32 // as they are shown: absolute in the handshake, relative after
	ackBase   uint32 // what was taken from ack, and is to be from SACK blocks
	window    int    // bytes; scaled where the shift is known
}

// see takes a segment into account.
func (c *conn) see(dir trace.Direction, s trace.Segment) verdict {
	mine, theirs := &c.out, &c.in
	if dir == trace.In {
		mine, theirs = theirs, mine
	}
	isSYN, isACK := s.Flags&trace.SYN != 0, s.Flags&trace.ACK != 0
	v := verdict{handshake: isSYN, window: int(s.Window)}

	if isSYN && !isACK && (c.stage == unseen || !mine.syn || mine.base != s.Seq) {
		*c = conn{opener: dir, stage: opening} // a new connection, perhaps on used addresses
		v.first = true
	}
	switch {
	case isSYN:
		if !mine.syn {
			*mine = half{known: true, syn: true, base: s.Seq, next: s.Seq}
			if s.Options.WindowScale != nil {
				mine.can, mine.scale = true, *s.Options.WindowScale
			}
		}
		if isACK && c.stage == opening && dir != c.opener {
			c.stage = answered
		}
	case s.Flags&trace.RST != 0:
		v.handshake = c.stage == opening || c.stage == answered
		c.stage = closing
	case c.stage == answered && dir == c.opener && isACK:
		v.handshake, v.opened = true, true
		c.stage = established
	}
	if !mine.known && s.Flags&trace.RST == 0 {
		*mine = half{known: true, base: s.Seq - 1, next: s.Seq}
	}
	if !theirs.known && isACK && !isSYN && s.Flags&trace.RST == 0 {
		*theirs = half{known: true, base: s.Ack - 1, next: s.Ack}
	}
	if s.Flags&trace.RST == 0 {
		v.mark = mine.place(s, c.stage)
	}
	if s.Flags&trace.FIN != 0 {
		c.stage = closing
	}
	if !isSYN && mine.can && theirs.can {
		v.window <<= min(mine.scale, 14) // RFC 7323 §2.3
	}
	v.seq, v.ack = s.Seq, s.Ack
	if !v.handshake {
		v.seq -= mine.base
		v.ack -= theirs.base
		v.ackBase = theirs.base
	}
	return v
}

// place finds where a segment belongs in what was seen.
func (h *half) place(s trace.Segment, st stage) mark {
	from, to := s.Seq, s.Seq+uint32(s.Len)
	if s.Flags&trace.SYN != 0 {
		to++
	}
	if s.Flags&trace.FIN != 0 {
		to++
	}
	switch {
	case from == to:
		if st == established && from == h.next-1 && s.Flags == trace.ACK {
			return keepAlive
		}
		return ordinary
	case from == h.next:
		h.next = to
		return ordinary
	case before(h.next, from):
		if h.open == len(h.holes) { // the oldest is forgotten
			copy(h.holes[:], h.holes[1:])
			h.open--
		}
		h.holes[h.open] = span{h.next, from}
		h.open++
		h.next = to
		return afterHole
	}
	m := retransmission
	if h.fill(span{from, to}) {
		m = outOfOrder
	}
	if before(h.next, to) {
		h.next = to
	}
	return m
}

// fill takes s out of the holes and reports whether it was in any.
func (h *half) fill(s span) bool {
	var left [len(h.holes)]span
	n := 0
	keep := func(p span) {
		if before(p.from, p.to) && n < len(left) {
			left[n] = p
			n++
		}
	}
	hit := false
	for _, o := range h.holes[:h.open] {
		if !before(s.from, o.to) || !before(o.from, s.to) {
			keep(o)
			continue
		}
		hit = true
		keep(span{o.from, s.from})
		keep(span{s.to, o.to})
	}
	h.holes, h.open = left, n
	return hit
}
