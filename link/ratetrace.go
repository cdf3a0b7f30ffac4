package link

import (
	"slices"
	"time"
)

// opportunity is what a packet may use of one entry of a trace, in bytes.
const opportunity = 1500

// opportunities is a delivery trace under way. As in mahimahi an entry is 1500
// bytes that leave at once: packets share it, a packet that needs more waits
// for the next with what is left of it, and what nobody uses is gone. Only IP
// bytes count, as there, not the link's header.
type opportunities struct {
	trace  *DeliveryTrace
	origin time.Duration // when the trace began
	cycle  time.Duration // how often it has repeated, times its length
	index  int           // in At, of the next entry

	transit *packet // partly sent
	left    int     // bytes of it that are not
}

func newOpportunities(t *DeliveryTrace, now time.Duration) *opportunities {
	o := &opportunities{trace: t, origin: now}
	o.skip(now)
	return o
}

func (o *opportunities) length() time.Duration {
	return time.Duration(o.trace.At[len(o.trace.At)-1]) * time.Millisecond
}

// next is when the next entry is due.
func (o *opportunities) next() time.Duration {
	return o.origin + o.cycle + time.Duration(o.trace.At[o.index])*time.Millisecond
}

// use moves on to the entry after it.
func (o *opportunities) use() {
	if o.index++; o.index == len(o.trace.At) {
		o.index, o.cycle = 0, o.cycle+o.length()
	}
}

// skip passes over the entries up to and with now, which nobody used.
func (o *opportunities) skip(now time.Duration) {
	if o.next() > now {
		return
	}
	since := now - o.origin
	o.cycle = since - since%o.length()
	in := uint32((since - o.cycle) / time.Millisecond)
	o.index, _ = slices.BinarySearch(o.trace.At, in+1) // the first that is later; the last is
}

// advance sends what may leave until now: pop gives the next packet for an
// entry's time, nil where there is none; leave takes one that is sent.
func (o *opportunities) advance(now time.Duration, linkHeader int, pop func(time.Duration) *packet, leave func(*packet, time.Duration)) {
	for o.next() <= now {
		at := o.next()
		o.use()
		for room := opportunity; room > 0; {
			if o.transit == nil {
				if o.transit = pop(at); o.transit == nil {
					o.skip(now) // with nothing to send, however many there were
					return
				}
				o.left = o.transit.size - linkHeader
			}
			used := max(0, min(room, o.left))
			room, o.left = room-used, o.left-used
			if o.left <= 0 {
				p := o.transit
				o.transit = nil
				leave(p, at)
			}
		}
	}
}
