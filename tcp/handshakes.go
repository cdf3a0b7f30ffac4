package tcp

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
	"strata/trace"
)

const (
	// maxHandshakes bounds what is remembered of handshakes that nobody has
	// accepted yet: a flood of SYNs pushes the oldest out.
	maxHandshakes = 8192

	// handshakeTime is longer than the stack tries: what is not complete by
	// then never will be.
	handshakeTime = 3 * time.Minute
)

// handshakes remembers SYNs until the connection is accepted or dialled.
type handshakes struct {
	incomplete atomic.Int64 // of the entries, those that wait for segments

	mu      sync.Mutex
	entries map[trace.Flow]*seen
	order   []trace.Flow // a ring of what was put in, oldest at next
	next    int
	swept   time.Time // when those that are too old were last looked for
}

type seen struct {
	Handshake
	place int // in order
}

func (h *seen) complete() bool { return !h.SYNACK.IsZero() && !h.ACK.IsZero() }

// wants says whether a segment may be a part of a handshake: it begins one, or
// one is going on.
func (s *handshakes) wants(v *link.View) bool {
	return v.TCP.Flags()&header.TCPFlagSyn != 0 || s.incomplete.Load() != 0
}

// see looks at a segment that passes the host's link, and that it wants. While a
// handshake is going on those are of all connections, so it first finds out whose
// they are, and reads no more of them.
func (s *handshakes) see(dir trace.Direction, v *link.View, now time.Time) {
	flags := v.TCP.Flags()
	src, dst := v.Addrs()
	flow := trace.Flow{Local: src, Remote: dst}
	if dir == trace.In {
		flow = flow.Reverse()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	h := s.entries[flow]
	switch {
	case flags&header.TCPFlagRst != 0:
		if h != nil {
			s.drop(flow, h)
		}
	case flags&header.TCPFlagSyn == 0:
		if h != nil && flags&header.TCPFlagAck != 0 {
			s.seeACK(h, dir, now)
		}
	case flags&header.TCPFlagAck != 0:
		if h != nil {
			s.seeSYNACK(h, dir, v, now)
		}
	default:
		s.seeSYN(flow, h, dir, v, now)
	}
}

func (s *handshakes) seeSYN(flow trace.Flow, h *seen, dir trace.Direction, v *link.View, now time.Time) {
	switch {
	case h != nil && h.isn(dir) == v.TCP.SequenceNumber():
		return // sent again
	case h != nil && h.SYNACK.IsZero() && h.Active != (dir == trace.Out):
		// Theirs may pass the link first: the stack has its own queue.
		h.Simultaneous = true
		if dir == trace.Out {
			h.Active, h.SYN = true, now
		}
		h.note(dir, v)
		return
	}
	h = s.put(flow)
	h.Active, h.SYN = dir == trace.Out, now
	h.note(dir, v)
}

func (s *handshakes) seeSYNACK(h *seen, dir trace.Direction, v *link.View, now time.Time) {
	switch {
	case h.Simultaneous && dir == trace.In && h.isn(dir) != v.TCP.SequenceNumber():
		// Their SYN was of an earlier attempt, and this is the plain answer to
		// ours.
		h.Simultaneous, h.SYNACK = false, now
		h.note(dir, v)
	case h.Simultaneous:
		s.seeACK(h, dir, now) // to each other's SYN, which said the rest
	case h.SYNACK.IsZero() && h.Active == (dir == trace.In):
		h.SYNACK = now
		h.note(dir, v)
	}
}

// seeACK is the end of it: who sent the first SYN acknowledges the other's.
func (s *handshakes) seeACK(h *seen, dir trace.Direction, now time.Time) {
	switch {
	case h.complete():
		return
	case h.Simultaneous && dir == trace.In:
		h.SYNACK = now
	case h.Simultaneous && h.ACK.IsZero(), !h.SYNACK.IsZero() && h.Active == (dir == trace.Out):
		h.ACK = now
	}
	if h.complete() {
		s.incomplete.Add(-1)
	}
}

func (h *seen) isn(dir trace.Direction) uint32 {
	if dir == trace.Out {
		return h.LocalISN
	}
	return h.RemoteISN
}

// note keeps what a SYN or SYN-ACK says of its side.
func (h *seen) note(dir trace.Direction, v *link.View) {
	e, _ := v.Event(dir)
	seg, _ := e.What.(trace.Segment)
	if dir == trace.Out {
		h.LocalISN, h.Local = seg.Seq, seg.Options
	} else {
		h.RemoteISN, h.Remote = seg.Seq, seg.Options
	}
}

func (s *handshakes) put(flow trace.Flow) *seen {
	if h := s.entries[flow]; h != nil {
		s.drop(flow, h)
	}
	if s.entries == nil {
		s.entries = map[trace.Flow]*seen{}
	}
	h := &seen{place: s.next}
	if len(s.order) < maxHandshakes {
		s.order = append(s.order, flow)
	} else {
		if old := s.entries[s.order[s.next]]; old != nil && old.place == s.next {
			s.drop(s.order[s.next], old)
		}
		s.order[s.next] = flow
	}
	s.next = (s.next + 1) % maxHandshakes
	s.entries[flow] = h
	s.incomplete.Add(1)
	return h
}

func (s *handshakes) drop(flow trace.Flow, h *seen) {
	delete(s.entries, flow)
	if !h.complete() {
		s.incomplete.Add(-1)
	}
}

// sweep drops, once in a while, what never became a connection: it would keep
// us looking at every segment.
func (s *handshakes) sweep(now time.Time) {
	if now.Sub(s.swept) < handshakeTime {
		return
	}
	s.swept = now
	for flow, h := range s.entries {
		if !h.complete() && now.Sub(h.SYN) >= handshakeTime {
			s.drop(flow, h)
		}
	}
}

// take gives what was seen of a connection, and forgets it.
func (s *handshakes) take(flow trace.Flow) Handshake {
	// A packet does not tell the link that a zone names.
	bare := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()) }
	flow = trace.Flow{Local: bare(flow.Local), Remote: bare(flow.Remote)}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.entries[flow]
	if h == nil {
		return Handshake{}
	}
	s.drop(flow, h)
	return h.Handshake
}
