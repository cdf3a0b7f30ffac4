package link

import (
	"encoding/binary"
	"time"
)

// The defaults of RFC 8290 §4.1.1 and §5.2.
const (
	fqFlows   = 1024
	fqQuantum = 1514
)

// fqCodelQueue is FQ-CoDel (RFC 8290): each flow has a queue with CoDel, the
// queues take turns by a quantum of bytes, those that have just begun first.
type fqCodelQueue struct {
	limit   limit
	quantum int
	fresh   codel  // of a flow that begins
	key     uint64 // of the hash that finds a packet's queue, so that who collides differs by seed
	drop    dropper
	dropped dropper // by a flow's CoDel

	flows      []*flowQueue // by hash; nil until there is a packet
	begun, old flowList
	count      int
	bytes      int

	linkHeader int // bytes before the IP packet
	view       View
	front      frontBytes
}

// flowQueue is the queue of the flows with one hash.
type flowQueue struct {
	ring
	codel
	deficit int        // bytes that it may send before the others' turn
	active  bool       // it is in a list
	next    *flowQueue // in that list
}

// flowList is a list of queues that take turns.
type flowList struct{ first, last *flowQueue }

func (l *flowList) append(f *flowQueue) {
	f.next = nil
	if l.first == nil {
		l.first = f
	} else {
		l.last.next = f
	}
	l.last = f
}

func (l *flowList) shift() *flowQueue {
	f := l.first
	l.first = f.next
	return f
}

func newFQCodel(q Queue, frame, linkHeader int, d draws, drop dropper) *fqCodelQueue {
	f := &fqCodelQueue{
		limit:      limit{q.Packets, q.Bytes},
		quantum:    q.Quantum,
		fresh:      newCodel(q, frame),
		key:        d.bits(0, drawFlowHash),
		drop:       drop,
		linkHeader: linkHeader,
	}
	f.dropped = func(p *packet, c cause) {
		f.gone(p)
		drop(p, c)
	}
	if f.quantum == 0 {
		f.quantum = fqQuantum
	}
	flows := q.Flows
	if flows == 0 {
		flows = fqFlows
	}
	f.flows = make([]*flowQueue, flows)
	return f
}

func (q *fqCodelQueue) push(p *packet) {
	i := q.hash(p) % uint64(len(q.flows))
	f := q.flows[i]
	if f == nil {
		f = &flowQueue{codel: q.fresh}
		q.flows[i] = f
	}
	f.append(p)
	q.count++
	q.bytes += p.size
	if !f.active {
		f.active, f.deficit = true, q.quantum
		q.begun.append(f)
	}
	// The flow with the most bytes pays for what is too much (§4.1).
	for q.limit.packets > 0 && q.count > q.limit.packets || q.limit.bytes > 0 && q.bytes > q.limit.bytes {
		p := q.fattest().shift()
		q.gone(p)
		q.drop(p, causeHead)
	}
}

func (q *fqCodelQueue) fattest() *flowQueue {
	var most *flowQueue
	for _, l := range []*flowList{&q.begun, &q.old} {
		for f := l.first; f != nil; f = f.next {
			if most == nil || f.bytes > most.bytes {
				most = f
			}
		}
	}
	return most
}

func (q *fqCodelQueue) gone(p *packet) {
	q.count--
	q.bytes -= p.size
}

// pop is the dequeue of RFC 8290 §4.2.
func (q *fqCodelQueue) pop(now time.Duration) *packet {
	for {
		l := &q.begun
		if l.first == nil {
			l = &q.old
		}
		f := l.first
		if f == nil {
			return nil
		}
		if f.deficit <= 0 {
			f.deficit += q.quantum
			q.old.append(l.shift())
			continue
		}
		p := f.codel.pop(now, &f.ring, q.dropped)
		if p == nil {
			// A queue that has just begun passes once through the others, so
			// that it cannot begin again and again before them.
			if l.shift(); l == &q.begun {
				q.old.append(f)
			} else {
				f.active = false
			}
			continue
		}
		q.gone(p)
		f.deficit -= p.size
		return p
	}
}

func (q *fqCodelQueue) len() int  { return q.count }
func (q *fqCodelQueue) size() int { return q.bytes }

// each takes the queues one after the other.
func (q *fqCodelQueue) each(f func(*packet)) {
	for _, l := range []*flowList{&q.begun, &q.old} {
		for l.first != nil {
			flow := l.shift()
			flow.active = false
			for p := flow.shift(); p != nil; p = flow.shift() {
				q.gone(p)
				f(p)
			}
		}
	}
}

// hash is that of a packet's flow: addresses, transport protocol and ports.
// Fragments have no ports but in the first, so none of them has.
func (q *fqCodelQueue) hash(p *packet) uint64 {
	proto, b := peek(p.pkt, p.proto, q.linkHeader, &q.front)
	v := &q.view
	h := mix(q.key ^ uint64(proto))
	if !v.Parse(proto, b) {
		return h
	}
	h = mix(h ^ uint64(v.Transport))
	src, dst := v.Addrs()
	for _, a := range [...][16]byte{src.Addr().As16(), dst.Addr().As16()} {
		h = mix(h ^ binary.BigEndian.Uint64(a[:8]))
		h = mix(h ^ binary.BigEndian.Uint64(a[8:]))
	}
	if !v.Fragment {
		h = mix(h ^ uint64(src.Port())<<16 ^ uint64(dst.Port()))
	}
	return h
}
