package link

import (
	"slices"
	"time"
)

// batch is how many packets are delivered without looking at the clock, and at
// the counters, between them.
const batch = 256

// onRun is what the loop was asked to call at once.
func (d *Direction) onRun() {
	d.mu.Lock()
	d.asked = false
	d.deliver()
	d.mu.Unlock()
}

// onWake is what the timer calls.
func (d *Direction) onWake() {
	d.mu.Lock()
	d.armed = false
	d.deliver()
	d.mu.Unlock()
}

// deliver delivers what has arrived, and what arrives meanwhile, in order. One
// runs at a time: who comes second leaves it to the first. It delivers with no
// lock held, since the receiver may send an answer before it returns.
func (d *Direction) deliver() {
	if d.running {
		return
	}
	d.running = true
	// What was sent when the wire was perfect comes before what is in flight.
	for d.deliverWhole() || d.deliverDue() {
	}
	d.running = false
	if d.special || len(d.flight) > 0 || d.armed {
		d.arm(d.now())
	}
	d.idle.Broadcast()
}

// directRounds bounds what a sender delivers of what others send meanwhile.
const directRounds = 4

// deliverHere delivers what a perfect wire has queued on the sender's own
// goroutine, as a kernel's loopback does: a goroutine of its own would take
// longer to wake up than the delivery takes.
func (d *Direction) deliverHere() {
	d.running = true
	for round := 0; round < directRounds && d.deliverWhole(); round++ {
	}
	d.running = false
	d.idle.Broadcast()
}

// deliverWhole delivers what a perfect wire has queued.
func (d *Direction) deliverWhole() bool {
	if len(d.queue) == 0 {
		return false
	}
	batch := d.queue
	d.queue, d.spare = d.spare[:0], nil
	d.mu.Unlock()
	var delivered, detached, bytes, packets int
	total := 0
	now := time.Duration(0)
	if slices.ContainsFunc(batch, func(q queued) bool { return q.told != nil }) {
		now = d.loop.Now().Sub(d.start)
	}
	for i, q := range batch {
		size, count := q.pkt.Size(), int(q.count)
		total += size
		packets += count
		if d.to.deliver(q.proto, q.pkt, q.corrupted) {
			delivered += count
			bytes += size
			d.tellWhole(&q, 0, now)
		} else {
			detached += count
			d.tellWhole(&q, causeDetached, now)
		}
		q.pkt.DecRef()
		batch[i] = queued{}
	}
	d.mu.Lock()
	d.spare = emptied(batch)
	d.gone(len(batch), packets, total)
	d.counters.Delivered += uint64(delivered)
	d.counters.DeliveredBytes += uint64(bytes)
	d.counters.DroppedDetached += uint64(detached)
	return true
}

// emptied is q for the next packets, or none where a flood has made it large.
func emptied(q []queued) []queued {
	if cap(q) > maxUnused {
		return nil
	}
	return q[:0]
}

// deliverDue delivers what has arrived of the flight.
func (d *Direction) deliverDue() bool {
	if len(d.flight) == 0 && !d.busy() {
		return false
	}
	now := d.now()
	d.advance(now)
	for len(d.due) < batch {
		p := d.flight.pop(now)
		if p == nil {
			break
		}
		if p.order < d.newest {
			d.counters.Reordered += uint64(p.count)
		}
		d.newest = max(d.newest, p.order)
		d.due = append(d.due, p)
	}
	if len(d.due) == 0 {
		return false
	}
	d.mu.Unlock()
	for _, p := range d.due {
		if p.damage != endSees {
			p.arrived = d.to.deliver(p.proto, p.pkt, p.damage != intact)
		}
	}
	d.mu.Lock()
	c := &d.counters
	for i, p := range d.due {
		switch {
		case p.damage == endSees:
			d.lose(p, causeCorrupt)
		case !p.arrived:
			d.lose(p, causeDetached)
		default:
			c.Delivered += uint64(p.count)
			c.DeliveredBytes += uint64(p.size)
			d.tell(p, 0, now)
			d.gone(1, p.count, p.size)
			d.free(p)
		}
		d.due[i] = nil
	}
	d.due = d.due[:0]
	return true
}

// next is when something is to be done next.
func (d *Direction) next() (at time.Duration, ok bool) {
	if len(d.queue) > 0 {
		return d.advanced, true
	}
	first := forever
	if len(d.flight) > 0 {
		first, ok = d.flight[0].at, true
	}
	if !d.busy() {
		return first, ok
	}
	// What still waits arrives after all that are in order, so that the first
	// of these is soon enough to look at the queue again.
	if ok && first <= d.last && d.early == 0 {
		return first, ok
	}
	if d.trace != nil {
		return min(first, d.trace.next()), true
	}
	return min(first, d.line.free), true
}

// busy says that packets wait for the rate or the trace.
func (d *Direction) busy() bool {
	return d.waiting != nil && (d.waiting.len() > 0 || d.trace != nil && d.trace.transit != nil)
}

// arm has the loop call back when something is to be done next: one call is
// asked for at most, whatever the number of packets.
func (d *Direction) arm(now time.Duration) {
	at, ok := d.next()
	switch {
	case d.running || d.asked:
		// They arm when they have run.
	case !ok:
		if d.armed {
			d.timer.Stop()
			d.armed = false
		}
	case d.armed && (d.armedAt == at || d.armedAt <= now):
		// It comes in time.
	case at <= now && !d.armed:
		d.asked = true
		d.loop.At(d.start.Add(now), d.run)
	default:
		d.armed, d.armedAt = true, at
		if d.timer == nil {
			d.timer = d.loop.At(d.start.Add(at), d.wake)
		} else {
			d.timer.Reset(d.start.Add(at))
		}
	}
}
