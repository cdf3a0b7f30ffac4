package inspect

import (
	"cmp"
	"slices"
	"time"

	"strata/trace"
	"strata/trace/explain"
)

// beyond names who is at the end of a wire that nobody records.
const beyond = "peer"

// join joins what was recorded, also of connections that had begun before, and
// of those of which only one end is recorded. What was not told is put in as far
// as a wire has seen it:
//
//   - the bytes that went before the first that was told become one segment, so
//     that the others have their place in the stream;
//   - what an end that is not recorded sent is known from when it came to the
//     wire: its segments, and with them the frames and requests that they carried.
//
// What remains unknown is what its programs did before and after.
func join(opened, events []trace.Event) *explain.Story {
	t := &teller{
		isn:   map[trace.Flow]uint32{},
		hosts: map[trace.Flow]bool{},
		early: map[trace.Flow]uint64{},
		holes: map[trace.Flow]time.Time{},
		sent:  map[trace.Flow][]piece{},
		read:  map[trace.Flow]*reading{},
	}
	for _, e := range events {
		if _, ok := e.What.(trace.Segment); ok && e.Dir == trace.Out {
			t.hosts[e.Flow] = true
		}
	}
	t.open(opened, events)
	for _, e := range events {
		t.tell(e)
	}
	story := explain.Join(t.told)
	for _, m := range story.Messages {
		flow := m.Conn.Flow
		if !m.FromOpener() {
			flow = flow.Reverse()
		}
		if m.Received.IsZero() && cmp.Or(m.Receiver(), beyond) == beyond {
			arrive(m)
		}
		if m.From < t.early[flow] || behind(m, t.holes[flow]) {
			m.From, m.To = 0, 0 // the recording has too little to explain it
		}
	}
	return story
}

// arrive has a message received, by an end that is not recorded, when all of it
// had left the last wire: when it was read nobody tells. It stays as it is where
// it has not all arrived.
func arrive(m *explain.Message) {
	m.Received = time.Unix(1<<40, 0) // later than anything; what is too late is the receiver's part
	e, err := m.Explain()
	if err != nil {
		m.Received = time.Time{}
		return
	}
	m.Received = m.Sent
	for _, p := range e.Parts {
		if p.Name != explain.Receiver {
			m.Received = p.To
		}
	}
}

// behind says that a message had arrived when of what went before the recording
// some had not: it waited for that, and nobody tells how long.
func behind(m *explain.Message, hole time.Time) bool {
	if hole.IsZero() || m.Sent.After(hole) {
		return false
	}
	e, err := m.Explain()
	if err != nil {
		return false
	}
	arrived := m.Sent
	for _, p := range e.Parts {
		if p.Name != explain.Receiver {
			arrived = p.To
		}
	}
	return !arrived.After(hole)
}

// teller puts in what was not told. Flows are as their sender sees them.
type teller struct {
	told  []trace.Event
	isn   map[trace.Flow]uint32
	hosts map[trace.Flow]bool      // whose sender is recorded
	early map[trace.Flow]uint64    // where in the stream the recording begins; all before is one segment
	holes map[trace.Flow]time.Time // until then some of that had not arrived
	sent  map[trace.Flow][]piece
	read  map[trace.Flow]*reading
}

// piece is a segment that came to a wire from an end that is not recorded.
type piece struct {
	at       time.Time
	from, to uint64
}

// reading is what a program has read of such an end's stream.
type reading struct {
	last trace.Stream // what was read last
	at   uint64       // where the next frame begins
	tls  bool
}

// open begins the connections that had begun before the recording, and of which
// something is told.
func (t *teller) open(opened, events []trace.Event) {
	now := map[trace.Flow]bool{}             // begin in the recording
	told := map[trace.Flow][]trace.Segment{} // with data
	some := map[trace.Flow]bool{}            // something is told of it, or its other direction
	for _, e := range events {
		some[e.Flow], some[e.Flow.Reverse()] = true, true
		seg, ok := e.What.(trace.Segment)
		if p, passed := e.What.(trace.Passage); passed && !t.hosts[e.Flow] {
			seg, ok = p.Packet.(trace.Segment)
		} else if ok && seg.Flags&trace.SYN != 0 {
			now[sender(e)] = true
		} else if e.Dir != trace.Out {
			continue
		}
		if ok && seg.Len > 0 {
			told[e.Flow] = append(told[e.Flow], seg)
		}
	}
	opened = slices.DeleteFunc(opened, func(e trace.Event) bool { return !some[e.Flow] })
	slices.SortFunc(opened, func(a, b trace.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(step(a), step(b))) })
	for _, e := range opened {
		if _, ok := e.What.(trace.TLS); ok {
			if !now[e.Flow] {
				t.told = append(t.told, trace.Event{At: e.At, Host: e.Host, Dir: trace.Out, Flow: e.Flow, What: trace.Stream{TLS: true}})
				t.read[e.Flow.Reverse()] = &reading{tls: true}
			}
			continue
		}
		flow, seg := sender(e), e.What.(trace.Segment)
		t.isn[flow] = seg.Seq
		if now[flow] {
			continue
		}
		if !t.hosts[flow] {
			syn := e
			syn.Flow, syn.Dir, syn.Host = flow, trace.Out, beyond
			t.told = append(t.told, syn)
		}
		t.told = append(t.told, e)
		t.before(flow, e, told[flow])
	}
}

// step orders what may happen at one instant: a SYN, the SYN-ACK, and what is above
// them.
func step(opening trace.Event) int {
	seg, ok := opening.What.(trace.Segment)
	switch {
	case !ok:
		return 2
	case seg.Flags&trace.ACK != 0:
		return 1
	}
	return 0
}

// before makes one segment of what went before the recording. Of that some was
// still under way, and may be sent again in the recording: it ends where what was
// told is without a gap from there on.
func (t *teller) before(flow trace.Flow, syn trace.Event, told []trace.Segment) {
	isn := t.isn[flow]
	place := func(s trace.Segment) uint64 { return uint64(s.Seq - isn - 1) }
	slices.SortStableFunc(told, func(a, b trace.Segment) int { return cmp.Compare(place(a), place(b)) })
	var edge, begin uint64
	for _, s := range told {
		if place(s) > edge {
			begin = place(s)
		}
		edge = max(edge, place(s)+uint64(s.Len))
	}
	if begin == 0 || edge >= 1<<31 { // beyond, nobody knows how often it has wrapped around
		return
	}
	t.early[flow] = begin
	all := trace.Segment{Flags: trace.ACK, Seq: isn + 1, Len: int(begin)}
	host := syn.Host
	if !t.hosts[flow] {
		host = beyond
	}
	t.told = append(t.told,
		trace.Event{At: syn.At, Host: host, Dir: trace.Out, Flow: flow, What: all},
		trace.Event{At: syn.At, Dir: trace.Out, Flow: flow, What: trace.Passage{Wire: "before", Sent: syn.At, Packet: all}})
}

// sender is the flow of a segment's event, as its sender sees it.
func sender(e trace.Event) trace.Flow {
	if e.Dir == trace.In {
		return e.Flow.Reverse()
	}
	return e.Flow
}

// acknowledged looks at what the receiver of a flow's stream acknowledged when.
func (t *teller) acknowledged(flow trace.Flow, ack trace.Segment, at time.Time) {
	early := t.early[flow]
	if early == 0 || ack.Flags&trace.ACK == 0 {
		return
	}
	if upTo := uint64(ack.Ack - t.isn[flow] - 1); upTo < early && at.After(t.holes[flow]) {
		t.holes[flow] = at
	}
}

func (t *teller) tell(e trace.Event) {
	switch what := e.What.(type) {
	case trace.Segment:
		if e.Dir == trace.Out {
			t.acknowledged(e.Flow.Reverse(), what, e.At)
		}
	case trace.Passage:
		t.passage(e, what)
	case trace.Stream:
		if e.Dir == trace.In && !t.hosts[e.Flow.Reverse()] {
			t.reads(e.Flow.Reverse(), what)
		}
	case trace.Frame:
		if e.Dir == trace.In {
			t.said(e, what.Size())
		}
	case trace.HTTP:
		if e.Dir == trace.In {
			t.said(e, 0)
		}
	}
	t.told = append(t.told, e)
}

// passage puts in the segment of an end that is not recorded.
func (t *teller) passage(e trace.Event, p trace.Passage) {
	seg, ok := p.Packet.(trace.Segment)
	if !ok || t.hosts[e.Flow] || p.Copy || p.Injected {
		return
	}
	t.acknowledged(e.Flow.Reverse(), seg, p.Sent)
	if seg.Len == 0 && seg.Flags&trace.SYN == 0 {
		return
	}
	if seg.Flags&trace.SYN != 0 {
		t.isn[e.Flow] = seg.Seq
	} else {
		from := uint64(seg.Seq - t.isn[e.Flow] - 1)
		t.sent[e.Flow] = append(t.sent[e.Flow], piece{p.Sent, from, from + uint64(seg.Len)})
	}
	t.told = append(t.told, trace.Event{At: p.Sent, Host: beyond, Dir: trace.Out, Flow: e.Flow, What: seg})
}

// reads takes what was read: what is told then lies in it, or begins there.
func (t *teller) reads(flow trace.Flow, s trace.Stream) {
	r := t.read[flow]
	if r == nil {
		r = &reading{at: s.From}
		t.read[flow] = r
	}
	r.last, r.tls = s, r.tls || s.TLS
}

// said tells of a message that was read that it was sent: when its first byte
// came to a wire. Of an HTTP request it is not known how long it is (size 0), nor
// in TLS where a frame begins: they are taken to be what was read last.
func (t *teller) said(e trace.Event, size uint64) {
	flow := e.Flow.Reverse()
	r := t.read[flow]
	if r == nil {
		return
	}
	at := trace.Stream{From: r.last.From, To: r.last.To, TLS: r.tls}
	switch {
	case r.tls:
		at.To = max(at.To, at.From+size+tlsRecord)
	case size > 0 && r.at >= r.last.To: // of a beginning that was not told
	case size > 0:
		at.From, at.To = r.at, r.at+size
	}
	r.at = at.To
	sent, ok := t.firstSent(flow, at.From)
	if !ok {
		return
	}
	e.At, e.Host, e.Dir, e.Flow = sent, beyond, trace.Out, flow
	t.told = append(t.told, e, trace.Event{At: sent, Host: beyond, Dir: trace.Out, Flow: flow, What: at})
}

// tlsRecord is what TLS 1.3 adds to a record (RFC 8446 §5.2).
const tlsRecord = 5 + 1 + 16

// firstSent is when a byte of the stream first came to a wire.
func (t *teller) firstSent(flow trace.Flow, b uint64) (time.Time, bool) {
	all := t.sent[flow]
	for len(all) > 0 && all[0].to <= b { // programs read in order: it is not asked for again
		all = all[1:]
	}
	t.sent[flow] = all
	var first time.Time
	for _, p := range all {
		if p.from <= b && b < p.to && (first.IsZero() || p.at.Before(first)) {
			first = p.at
		}
	}
	return first, !first.IsZero()
}
