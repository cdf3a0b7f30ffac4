package tcp

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
	"strata/trace"
)

// Handshake is how a connection was opened: the three segments of RFC 9293
// §3.5 as they crossed the host's link. A segment that was sent again counts
// as when it came first. The zero value is a handshake that was not seen, as
// on the loopback or behind a SYN cookie flood.
type Handshake struct {
	Active bool // we sent the SYN

	SYN, SYNACK, ACK time.Time // on the host's clock

	LocalISN, RemoteISN uint32 // initial sequence numbers

	// Local and Remote are the options that each side put into its SYN or
	// SYN-ACK. What both have is agreed on.
	Local, Remote trace.Options
}

// RTT is the first measure of the path: from SYN to SYN-ACK where we dialled,
// from SYN-ACK to ACK where we listened.
func (h Handshake) RTT() time.Duration {
	if h.Active {
		return h.SYNACK.Sub(h.SYN)
	}
	return h.ACK.Sub(h.SYNACK)
}

// String is like "SYN +0s, SYN-ACK +1.2ms, ACK +1.3ms, mss 1460/1460 ws 7/7".
func (h Handshake) String() string {
	if h.SYN.IsZero() {
		return "handshake not seen"
	}
	return fmt.Sprintf("SYN +0s, SYN-ACK +%v, ACK +%v; local %v; remote %v", h.SYNACK.Sub(h.SYN), h.ACK.Sub(h.SYN), h.Local, h.Remote)
}

// maxHandshakes bounds what is remembered of handshakes that nobody has
// accepted yet: a flood of SYNs pushes the oldest out.
const maxHandshakes = 8192

// handshakes remembers SYNs until the connection is accepted or dialled.
type handshakes struct {
	incomplete atomic.Int64 // of the entries, those that wait for their last ACK

	mu      sync.Mutex
	entries map[trace.Flow]*seen
	order   []trace.Flow // a ring of what was put in, oldest at next
	next    int
}

type seen struct {
	Handshake
	place int // in order
}

// see looks at a segment that passes the host's link.
func (s *handshakes) see(dir trace.Direction, v *link.View, now time.Time) {
	syn := v.TCP.Flags()&header.TCPFlagSyn != 0
	if !syn && s.incomplete.Load() == 0 {
		return
	}
	e, ok := v.Event(dir)
	if !ok {
		return
	}
	seg, ok := e.What.(trace.Segment)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.entries[e.Flow]
	switch {
	case syn && seg.Flags&trace.ACK == 0:
		if h != nil && h.isn(dir) == seg.Seq {
			return // sent again
		}
		h = s.put(e.Flow)
		h.Active, h.SYN = dir == trace.Out, now
		h.note(dir, seg)
	case syn:
		if h != nil && h.SYNACK.IsZero() {
			h.SYNACK = now
			h.note(dir, seg)
		}
	case h != nil && h.ACK.IsZero() && !h.SYNACK.IsZero() && seg.Flags&trace.ACK != 0 && h.Active == (dir == trace.Out):
		h.ACK = now
		s.incomplete.Add(-1)
	case h != nil && seg.Flags&trace.RST != 0:
		s.drop(e.Flow, h)
	}
}

func (h *seen) isn(dir trace.Direction) uint32 {
	if dir == trace.Out {
		return h.LocalISN
	}
	return h.RemoteISN
}

func (h *seen) note(dir trace.Direction, seg trace.Segment) {
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
	if h.ACK.IsZero() {
		s.incomplete.Add(-1)
	}
}

// take gives what was seen of a connection that is established, and forgets it.
func (s *handshakes) take(flow trace.Flow) Handshake {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.entries[flow]
	if h == nil {
		return Handshake{}
	}
	s.drop(flow, h)
	return h.Handshake
}
