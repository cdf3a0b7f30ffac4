package explain

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"strata/trace"
)

// The names of parts, and what they are.
const (
	Program       = "program"       // in the sender, above TCP
	Handshake     = "handshake"     // it was not open yet: the layers above TCP, and what hosts took for TCP's own
	Cwnd          = "cwnd"          // in the send buffer, the congestion window was full
	Window        = "window"        // in the send buffer, the receiver's window was full
	SendBuffer    = "send buffer"   // in the send buffer for another cause (Nagle's algorithm, a busy host)
	Recovery      = "recovery"      // lost, until it was sent again
	Queue         = "queue"         // waiting for a wire's rate
	Serialization = "serialization" // being sent bit by bit
	Propagation   = "propagation"   // on a wire: its delay, jitter and slots
	Forwarding    = "forwarding"    // in a router
	HeadOfLine    = "head of line"  // arrived, behind bytes that were missing
	Receiver      = "receiver"      // in the receiver, until it was read and understood
)

// Part is one interval of a message's latency.
type Part struct {
	Name     string
	From, To time.Time
	Why      string // more about it; may be empty
}

// Took is how long it was.
func (p Part) Took() time.Duration { return p.To.Sub(p.From) }

// Loss is a segment of a message, or one that it had to wait for, that did not
// arrive.
type Loss struct {
	Segment  string    // what was lost: "SYN", "SYN-ACK" or "bytes 0 to 1460"
	At       time.Time // when it was sent
	Wire     string    // where it was lost: the wire and the direction
	Cause    string    // one of trace's Dropped… words
	Again    time.Time // when it was sent again
	Why      string    // what it was sent again for: one of trace's Why… words; empty where not told
	DupACKs  int       // duplicate acknowledgements that had come by then
	OfBefore bool      // it was of what was sent before the message
}

// String is like "bytes 0 to 1460 lost on phone-server from A to B (rule), sent
// again 204ms later: RTO".
func (l Loss) String() string {
	s := fmt.Sprintf("%s lost on %s (%s), sent again %v later", l.Segment, l.Wire, l.Cause, l.Again.Sub(l.At))
	switch {
	case l.Why == trace.WhyFast && l.DupACKs == 1:
		s += ": fast, after a duplicate acknowledgement"
	case l.Why == trace.WhyFast && l.DupACKs > 1:
		s += fmt.Sprintf(": fast, after %d duplicate acknowledgements", l.DupACKs)
	case l.Why != "":
		s += ": " + l.Why
	}
	return s
}

// Explanation is where a message's time went. Its parts follow each other
// without a gap, from its sending to its reception.
type Explanation struct {
	Message *Message // nil: of a connection's opening
	Parts   []Part
	Losses  []Loss // that delayed it, in the order of sending
}

// Latency is the sum of the parts.
func (e *Explanation) Latency() time.Duration {
	var sum time.Duration
	for _, p := range e.Parts {
		sum += p.Took()
	}
	return sum
}

// Sum is what the parts of a name took together.
func (e *Explanation) Sum(name string) time.Duration {
	var sum time.Duration
	for _, p := range e.Parts {
		if p.Name == name {
			sum += p.Took()
		}
	}
	return sum
}

// Why a message is not explained.
var (
	ErrNotReceived = errors.New("it was not received, as far as is told")
	ErrIncomplete  = errors.New("the recording has too little of its connection")
)

// Explain says where the message's time went. The error is [ErrNotReceived] or
// [ErrIncomplete].
func (m *Message) Explain() (*Explanation, error) {
	if m.Received.IsZero() {
		return nil, ErrNotReceived
	}
	h := m.half
	if m.From == m.To || h.conn.Began.IsZero() && !h.known {
		return nil, ErrIncomplete
	}
	e := &explanation{Explanation: Explanation{Message: m}, half: h, now: m.Sent}
	end := m.Received
	if read, ok := h.readAt(m.To); ok && read.After(end) {
		end = read
	}
	last, ok := h.lastToArrive(span{m.From, m.To})
	complete, ok2 := h.complete(m.To)
	if !ok || !ok2 || complete.at.After(end) {
		return nil, ErrIncomplete
	}
	e.beforeWriting(m)
	e.inSendBuffer(last.first.at)
	e.recovered(last)
	e.travelled(last.arrived)
	e.behind(complete)
	e.to(Receiver, end, "")
	return &e.Explanation, nil
}

// Explain says where the time of the connection's opening went, for the end that
// opened it: from its first SYN until it had the answer. The error is
// [ErrIncomplete].
func (c *Conn) Explain() (*Explanation, error) {
	if c.Began.IsZero() || c.Established.IsZero() {
		return nil, ErrIncomplete
	}
	e := &explanation{half: c.halves[0], now: c.Began}
	e.opening(c)
	return &e.Explanation, nil
}

// explanation is one that is being made: it is told up to now.
type explanation struct {
	Explanation
	half *half
	now  time.Time
}

// to goes on to a moment.
func (e *explanation) to(name string, at time.Time, why string) {
	if !at.After(e.now) {
		return
	}
	if n := len(e.Parts); n > 0 && e.Parts[n-1].Name == name && e.Parts[n-1].Why == why {
		e.Parts[n-1].To = at
	} else {
		e.Parts = append(e.Parts, Part{name, e.now, at, why})
	}
	e.now = at
}

// beforeWriting goes to where the connection was open and the message was
// written to it.
func (e *explanation) beforeWriting(m *Message) {
	c := e.half.conn
	name, why := Program, "until it was written"
	if !c.Began.IsZero() && m.Sent.Before(later(c.Established, c.tls.finished)) && e.half == c.halves[0] {
		e.to(Program, c.Began, "until it connected")
		e.opening(c)
		name, why = Handshake, "what opens above TCP"
		if e.inTLS(c.tls) {
			why = "what opens above TLS"
		}
	}
	if at, ok := e.half.writtenAt(m.From); ok {
		e.to(name, at, why)
	}
}

// opening goes along the three-way handshake, as far as its sender waits for it.
func (e *explanation) opening(c *Conn) {
	for i, h := range c.halves {
		name := [...]string{"SYN", "SYN-ACK"}[i]
		p := firstToArrive(h.opens)
		if p == nil {
			break
		}
		e.to(Handshake, h.opens[0].at, name+" is made")
		e.to(Recovery, p.of.at, e.note(h.losses(name, span{}, h.opens, p.of)))
		e.travelledBy(p, name)
	}
	e.to(Handshake, c.Established, "")
}

func firstToArrive(opens []*transmission) (first *piece) {
	for _, t := range opens {
		for _, p := range t.pieces {
			if !p.arrived.IsZero() && (first == nil || p.arrived.Before(first.arrived)) {
				first = p
			}
		}
	}
	return first
}

// inSendBuffer goes to the first transmission, by what TCP waited for.
func (e *explanation) inSendBuffer(sent time.Time) {
	for e.now.Before(sent) {
		state, known := e.half.stateAt(e.now)
		next := sent
		i := sort.Search(len(e.half.state), func(i int) bool { return e.half.state[i].at.After(e.now) })
		if i < len(e.half.state) && e.half.state[i].at.Before(sent) {
			next = e.half.state[i].at
		}
		name, why := SendBuffer, ""
		switch {
		case !known:
		case state.Outstanding >= state.Cwnd:
			name, why = Cwnd, fmt.Sprintf("%d segments under way, cwnd %d", state.Outstanding, state.Cwnd)
		case state.Nxt-state.Una+uint32(max(state.MSS, 1)) > state.Window:
			name, why = Window, fmt.Sprintf("%d bytes under way, the peer allows %d", state.Nxt-state.Una, state.Window)
		}
		if n := len(e.Parts); n > 0 && e.Parts[n-1].Name == name {
			why = e.Parts[n-1].Why // one part, in the words of its beginning
		} else if name != SendBuffer {
			if said := e.heldUp(sent); said != "" {
				why += ": " + said
			}
		}
		e.to(name, next, why)
	}
}

// heldUp says whether a window was full until then because what is under way at its
// beginning was lost.
func (e *explanation) heldUp(until time.Time) string {
	una := e.half.acked(e.now)
	at := span{una, una + 1}
	a, ok := e.half.lastToArrive(at)
	if !ok {
		return ""
	}
	name := fmt.Sprintf("bytes %d to %d", a.first.from, a.first.to)
	losses := e.half.losses(name, at, e.half.sending(at), a.arrived.of)
	losses = slices.DeleteFunc(losses, func(l Loss) bool { return !l.At.Before(until) || !l.Again.After(e.now) })
	for i := range losses {
		losses[i].OfBefore = a.first.to <= e.Message.From
	}
	return e.note(losses)
}

// acked is up to where all was acknowledged to the sender at a moment.
func (h *half) acked(at time.Time) offset {
	i := sort.Search(len(h.acks), func(i int) bool { return h.acks[i].at.After(at) })
	for i--; i >= 0; i-- {
		if !h.acks[i].dup {
			return h.acks[i].upTo
		}
	}
	return 0
}

// arrival is how the bytes of a message that were last to arrive did.
type arrival struct {
	first   *transmission // of them
	arrived *piece
	span
}

// lastToArrive finds the bytes of a span whose first arrival was last.
func (h *half) lastToArrive(s span) (last arrival, ok bool) {
	var pieces []*piece
	for _, t := range h.sending(s) {
		for _, p := range t.pieces {
			if p.overlaps(s) && !p.arrived.IsZero() {
				pieces = append(pieces, p)
			}
		}
	}
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].arrived.Before(pieces[j].arrived) })
	missing := []span{s}
	for _, p := range pieces {
		var rest []span
		for _, gap := range missing {
			if !p.overlaps(gap) {
				rest = append(rest, gap)
				continue
			}
			last = arrival{arrived: p, span: span{max(gap.from, p.from), min(gap.to, p.to)}}
			if before := (span{gap.from, p.from}); !before.empty() {
				rest = append(rest, before)
			}
			if behind := (span{p.to, gap.to}); !behind.empty() {
				rest = append(rest, behind)
			}
		}
		if missing = rest; len(missing) == 0 {
			break
		}
	}
	if last.arrived == nil || len(missing) > 0 {
		return last, false
	}
	last.first = h.firstSent(last.to - 1)
	return last, last.first != nil
}

// recovered goes to the transmission that arrived, where the first did not.
func (e *explanation) recovered(a arrival) {
	e.to(Recovery, a.arrived.of.at, e.note(e.half.lossesOf(a)))
}

// note keeps losses and puts them into words.
func (e *explanation) note(losses []Loss) string {
	var said []string
	for _, l := range losses {
		said = append(said, l.String())
	}
	e.Losses = append(e.Losses, losses...)
	return strings.Join(said, "; ")
}

// lossesOf are those of the bytes that an arrival brought at last.
func (h *half) lossesOf(a arrival) []Loss {
	last := span{a.to - 1, a.to}
	return h.losses(fmt.Sprintf("bytes %d to %d", a.from, a.to), last, h.sending(last), a.arrived.of)
}

// losses are the transmissions before the one that arrived that were lost. at is
// the byte that matters; empty is the SYN.
func (h *half) losses(name string, at span, sends []*transmission, arrived *transmission) (losses []Loss) {
	for i, t := range sends[:slices.Index(sends, arrived)] {
		for _, p := range t.pieces {
			w, lost := p.lost()
			if !lost || !at.empty() && !p.overlaps(at) {
				continue
			}
			again := sends[i+1]
			losses = append(losses, Loss{
				Segment: name, At: t.at, Wire: w.Wire, Cause: w.Dropped, Again: again.at,
				Why:     h.again[segmentAt{again.seq, again.len, again.at.UnixNano()}],
				DupACKs: h.duplicates(t.at, again.at),
			})
			break
		}
	}
	return losses
}

// duplicates counts the duplicate acknowledgements of an interval.
func (h *half) duplicates(from, to time.Time) (n int) {
	i := sort.Search(len(h.acks), func(i int) bool { return !h.acks[i].at.Before(from) })
	for ; i < len(h.acks) && !h.acks[i].at.After(to); i++ {
		if h.acks[i].dup {
			n++
		}
	}
	return n
}

// travelled goes along the wires.
func (e *explanation) travelled(p *piece) { e.travelledBy(p, "") }

func (e *explanation) travelledBy(p *piece, what string) {
	for _, h := range p.hops {
		why := h.Wire
		if what != "" {
			why = what + ": " + why
		}
		e.to(Forwarding, h.Sent, "")
		e.to(Queue, h.Sent.Add(h.Queued), why)
		e.to(Serialization, h.Sent.Add(h.Queued+h.Serialized), why)
		e.to(Propagation, h.at, why)
	}
}

// behind goes to when all before the message's end had arrived too.
func (e *explanation) behind(complete step) {
	if !complete.at.After(e.now) {
		return
	}
	p := complete.by
	why := fmt.Sprintf("bytes %d to %d were missing", p.from, p.to)
	losses := e.half.lossesOf(arrival{arrived: p, span: p.span})
	for i := range losses {
		losses[i].OfBefore = true
	}
	if said := e.note(losses); said != "" {
		why = said
	}
	e.to(HeadOfLine, complete.at, why)
}

// writtenAt is when a byte was given to TCP, readAt when all up to an offset
// was read.
func (h *half) writtenAt(b offset) (time.Time, bool) {
	i := sort.Search(len(h.written), func(i int) bool { return h.written[i].to > b })
	if i == len(h.written) {
		return time.Time{}, false
	}
	return h.written[i].at, true
}

func (h *half) readAt(upTo offset) (time.Time, bool) {
	i := sort.Search(len(h.read), func(i int) bool { return h.read[i].to >= upTo })
	if i == len(h.read) {
		return time.Time{}, false
	}
	return h.read[i].at, true
}
