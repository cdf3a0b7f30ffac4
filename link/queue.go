package link

import "time"

// defaultLimit is netem's: packets that wait for the rate at most.
const defaultLimit = 1000

// waiting is where packets wait for the rate or the trace. The packet that is
// being sent has left it.
type waiting interface {
	// push adds a packet that was sent at p.entered; it may drop it, or others.
	push(p *packet)

	// pop takes the packet that is to be sent at now; nil where none is left. It
	// may drop others.
	pop(now time.Duration) *packet

	// len is how many packets wait, and size how many bytes.
	len() int
	size() int

	// each calls f for every packet, in no particular order of flows, and
	// forgets them.
	each(f func(*packet))
}

// dropper is told which packet a queue drops, and why.
type dropper func(*packet, cause)

// newWaiting makes the queue that q describes. The largest frame is what CoDel
// leaves in a queue however long it takes.
func newWaiting(q Queue, frame, linkHeader int, d draws, drop dropper) waiting {
	if q.Packets == 0 && q.Bytes == 0 {
		q.Packets = defaultLimit
	}
	switch q.Kind {
	case CoDel:
		return &codelQueue{limit: limit{q.Packets, q.Bytes}, codel: newCodel(q, frame), drop: drop}
	case FQCoDel:
		return newFQCodel(q, frame, linkHeader, d, drop)
	}
	return &fifoQueue{limit: limit{q.Packets, q.Bytes}, head: q.Kind == HeadDrop, drop: drop}
}

// limit is how much may wait.
type limit struct {
	packets int // 0 is without limit
	bytes   int // 0 is without limit
}

// admits says whether a packet of so many bytes fits beside what waits.
func (l limit) admits(packets, bytes, size int) bool {
	return (l.packets == 0 || packets < l.packets) && (l.bytes == 0 || bytes+size <= l.bytes)
}

// fifoQueue is first in, first out, with tail drop or head drop.
type fifoQueue struct {
	ring
	limit limit
	head  bool // drops what has waited longest
	drop  dropper
}

func (q *fifoQueue) push(p *packet) {
	for q.head && q.count > 0 && !q.limit.admits(q.count, q.bytes, p.size) {
		q.drop(q.shift(), causeHead)
	}
	if !q.limit.admits(q.count, q.bytes, p.size) {
		q.drop(p, causeFull)
		return
	}
	q.append(p)
}

func (q *fifoQueue) pop(time.Duration) *packet { return q.shift() }
func (q *fifoQueue) len() int                  { return q.count }
func (q *fifoQueue) size() int                 { return q.bytes }

func (q *fifoQueue) each(f func(*packet)) {
	for p := q.shift(); p != nil; p = q.shift() {
		f(p)
	}
}

// ring is a queue of packets in the order of their coming.
type ring struct {
	slots []*packet // a power of two of them
	first int
	count int
	bytes int
}

func (r *ring) append(p *packet) {
	if r.count == len(r.slots) {
		larger := make([]*packet, max(16, 2*len(r.slots)))
		n := copy(larger, r.slots[r.first:])
		copy(larger[n:], r.slots[:r.first])
		r.slots, r.first = larger, 0
	}
	r.slots[(r.first+r.count)&(len(r.slots)-1)] = p
	r.count++
	r.bytes += p.size
}

// shift takes the first; nil where there is none.
func (r *ring) shift() *packet {
	if r.count == 0 {
		return nil
	}
	p := r.slots[r.first]
	r.slots[r.first] = nil
	r.first = (r.first + 1) & (len(r.slots) - 1)
	r.count--
	r.bytes -= p.size
	return p
}
