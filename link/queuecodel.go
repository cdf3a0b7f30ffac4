package link

import (
	"math"
	"time"
)

// codel decides at the head of a queue whether to drop (RFC 8289 §5): where
// every packet for an interval has waited longer than the target, one is
// dropped, and then more, at intervals that shrink with the square root of
// their number, until one has waited less.
type codel struct {
	target   time.Duration
	interval time.Duration
	frame    int // bytes: less than a frame is no standing queue

	above      bool          // packets have waited longer than the target,
	firstAbove time.Duration // and if they still do by then, one is dropped

	dropping  bool
	dropNext  time.Duration
	count     uint32 // dropped since dropping began
	lastCount uint32 // count when it began
}

// The times of RFC 8289 §4.2 and §4.3.
const (
	codelTarget   = 5 * time.Millisecond
	codelInterval = 100 * time.Millisecond
)

func newCodel(q Queue, frame int) codel {
	c := codel{target: q.Target, interval: q.Interval, frame: frame}
	if c.target == 0 {
		c.target = codelTarget
	}
	if c.interval == 0 {
		c.interval = codelInterval
	}
	return c
}

// pop takes the next packet that is not dropped (RFC 8289 §5.5, deque).
func (c *codel) pop(now time.Duration, r *ring, drop dropper) *packet {
	p, tooLong := c.take(now, r)
	switch {
	case c.dropping:
		c.dropping = tooLong
		for c.dropping && now >= c.dropNext {
			drop(p, causeCoDel)
			c.count++
			if p, c.dropping = c.take(now, r); c.dropping {
				c.dropNext = c.control(c.dropNext)
			}
		}
	case tooLong:
		drop(p, causeCoDel)
		p, _ = c.take(now, r)
		c.dropping = true
		// Shortly after it last dropped it goes on with nearly the rate that
		// was found to be right then.
		since := c.count - c.lastCount
		c.count = 1
		if since > 1 && now-c.dropNext < 16*c.interval {
			c.count = since
		}
		c.dropNext = c.control(now)
		c.lastCount = c.count
	}
	return p
}

// take takes the next packet and says whether packets have waited too long for
// an interval (RFC 8289 §5.5, dodequeue).
func (c *codel) take(now time.Duration, r *ring) (p *packet, tooLong bool) {
	p = r.shift()
	if p == nil || now-p.entered < c.target || r.bytes <= c.frame {
		c.above = false
		return p, false
	}
	if !c.above {
		c.above, c.firstAbove = true, later(now, c.interval)
		return p, false
	}
	return p, now >= c.firstAbove
}

// control is when to drop next after t.
func (c *codel) control(t time.Duration) time.Duration {
	return later(t, time.Duration(float64(c.interval)/math.Sqrt(float64(c.count))))
}

// codelQueue is one queue with CoDel, and tail drop where it is full.
type codelQueue struct {
	ring
	codel
	limit limit
	drop  dropper
}

func (q *codelQueue) push(p *packet) {
	if !q.limit.admits(q.ring.count, q.bytes, p.size) {
		q.drop(p, causeFull)
		return
	}
	q.append(p)
}

func (q *codelQueue) pop(now time.Duration) *packet { return q.codel.pop(now, &q.ring, q.drop) }
func (q *codelQueue) len() int                      { return q.ring.count }
func (q *codelQueue) size() int                     { return q.bytes }

func (q *codelQueue) each(f func(*packet)) {
	for p := q.shift(); p != nil; p = q.shift() {
		f(p)
	}
}
