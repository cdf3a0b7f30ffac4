package explain

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"strata/trace"
)

// Conn is a TCP connection as both ends and the wires told of it.
type Conn struct {
	Flow trace.Flow // as the end that opened it sees it

	// When the end that opened it sent its first SYN, and when each end had it
	// established; zero where that was not told.
	Began, Established, Accepted time.Time

	tls    tlsHandshake
	halves [2]*half // what the end that opened it sent, and the other
}

// half is one direction of a connection.
type half struct {
	conn *Conn
	flow trace.Flow // as its sender sees it
	host string     // the sender's; empty until it has sent

	isn   uint32
	known bool // isn is
	last  offset

	opens  []*transmission // SYNs or SYN-ACKs
	sends  []*transmission // data, in the order of sending
	sentTo offset          // the end of what was sent
	acks   []ack           // that its sender has received
	state  []senderAt
	again  map[segmentAt]string // why a segment is sent again

	written, read []stretch // by the programs at its ends
	records       []Record  // of TLS, one behind the other
	tls           bool

	byPlace []*transmission // sends, by where they begin in the stream; made when first asked
	longest offset          // of them, bytes

	pieces  map[span][]*piece
	steps   []step // see arrivals
	arrived bool   // steps are known

	carrier carrier
	frames  []*Message     // that were sent and not yet matched with what was received
	engine  []enginePacket // that what is sent next carries
	going   *Message       // that is being sent in frames; nil: none
	coming  *Message       // that is being received in frames
}

// offset is a place in a stream, counted from 0 for the first byte.
type offset = uint64

type span struct{ from, to offset }

func (s span) empty() bool { return s.from >= s.to }

// covers says whether s has all of t.
func (s span) covers(t span) bool { return s.from <= t.from && t.to <= s.to }

func (s span) overlaps(t span) bool { return s.from < t.to && t.from < s.to }

type stretch struct {
	at time.Time
	span
}

type ack struct {
	at   time.Time
	upTo offset
	dup  bool // acknowledges nothing new
	sack bool
}

type senderAt struct {
	at time.Time
	trace.Sender
}

type segmentAt struct {
	seq uint32
	len int
	at  int64
}

// transmission is a segment, or super-segment, that a host handed to its link.
type transmission struct {
	at time.Time
	span
	seq    uint32
	len    int
	again  bool // all or part of it was sent before
	pieces []*piece
}

// piece is a transmission, or a part of one that a wire has cut, on its way.
type piece struct {
	of *transmission
	span
	hops    []hop
	arrived time.Time // at the receiving host; zero where it did not
}

// hop is a piece's way over one wire.
type hop struct {
	at time.Time // when it ended
	trace.Passage
}

// lost says where a piece was lost, and why; false where it was not.
func (p *piece) lost() (h hop, ok bool) {
	if len(p.hops) == 0 {
		return hop{}, false
	}
	h = p.hops[len(p.hops)-1]
	if h.Dropped == "" && h.Corrupted {
		h.Dropped = trace.DroppedCorrupt
	}
	return h, h.Dropped != ""
}

// place is a sequence number's place in the stream. The numbers wrap around
// (RFC 9293 §3.4), and those of what is told lie close together.
func (h *half) place(seq uint32) offset {
	rel := int64(h.last) + int64(int32(seq-h.isn-1-uint32(h.last)))
	if rel < 0 {
		return 0
	}
	h.last = max(h.last, offset(rel))
	return offset(rel)
}

// step is a moment at which the receiver had more of the stream without a gap.
type step struct {
	at   time.Time
	edge offset
	by   *piece
}

// arrivals are the moments at which the receiver had more without a gap.
func (h *half) arrivals() []step {
	if h.arrived {
		return h.steps
	}
	h.arrived = true
	var all []*piece
	for _, t := range h.sends {
		for _, p := range t.pieces {
			if !p.arrived.IsZero() {
				all = append(all, p)
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].arrived.Before(all[j].arrived) })
	var edge offset
	var beyond []span // what came behind a gap
	for _, p := range all {
		switch {
		case p.to <= edge:
		case p.from > edge:
			beyond = append(beyond, p.span)
		default:
			edge = p.to
			edge, beyond = join(edge, beyond)
			h.steps = append(h.steps, step{p.arrived, edge, p})
		}
	}
	return h.steps
}

// join moves edge on over what came before.
func join(edge offset, beyond []span) (offset, []span) {
	for moved := true; moved; {
		moved = false
		rest := beyond[:0]
		for _, s := range beyond {
			switch {
			case s.to <= edge:
			case s.from <= edge:
				edge, moved = s.to, true
			default:
				rest = append(rest, s)
			}
		}
		beyond = rest
	}
	return edge, beyond
}

// complete is the step with which the receiver had all up to an offset.
func (h *half) complete(upTo offset) (step, bool) {
	steps := h.arrivals()
	i := sort.Search(len(steps), func(i int) bool { return steps[i].edge >= upTo })
	if i == len(steps) {
		return step{}, false
	}
	return steps[i], true
}

// firstSent is the first transmission of a byte; nil where none was told.
func (h *half) firstSent(b offset) *transmission {
	if all := h.sending(span{b, b + 1}); len(all) > 0 {
		return all[0]
	}
	return nil
}

// sending are the transmissions of any byte of a span, in the order of sending.
func (h *half) sending(s span) []*transmission {
	if h.byPlace == nil {
		h.byPlace = slices.Clone(h.sends)
		slices.SortStableFunc(h.byPlace, func(a, b *transmission) int { return cmp.Compare(a.from, b.from) })
		for _, t := range h.sends {
			h.longest = max(h.longest, t.to-t.from)
		}
	}
	i := sort.Search(len(h.byPlace), func(i int) bool { return h.byPlace[i].from+h.longest > s.from })
	var all []*transmission
	for ; i < len(h.byPlace) && h.byPlace[i].from < s.to; i++ {
		if h.byPlace[i].overlaps(s) {
			all = append(all, h.byPlace[i])
		}
	}
	slices.SortStableFunc(all, func(a, b *transmission) int { return a.at.Compare(b.at) })
	return all
}

// stateAt is what the sender knew at a moment; false where that was not told.
func (h *half) stateAt(at time.Time) (senderAt, bool) {
	i := sort.Search(len(h.state), func(i int) bool { return h.state[i].at.After(at) })
	if i == 0 {
		return senderAt{}, false
	}
	return h.state[i-1], true
}
