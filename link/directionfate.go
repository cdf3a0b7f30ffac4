package link

import (
	"slices"
	"time"
)

// perfect says that the shape does nothing to packets. A queue alone does
// nothing, since nobody waits in it.
func (s *Shape) perfect() bool {
	return s.Delay.Time == 0 && s.Delay.Jitter == 0 && s.Loss.none() && s.Duplicate.P == 0 && s.Corrupt.P == 0 &&
		s.Reorder.Chance.P == 0 && s.Rate.Bits == 0 && s.Slot.Max == 0 && s.MTU == 0 && s.Trace == nil
}

// clone copies what a shape points to, so that it is a value.
func (s *Shape) clone() Shape {
	c := *s
	c.Delay.Distribution.Table = slices.Clone(s.Delay.Distribution.Table)
	c.Loss.Pattern = slices.Clone(s.Loss.Pattern)
	c.Loss.List = slices.Clone(s.Loss.List)
	if s.Trace != nil {
		c.Trace = &DeliveryTrace{Name: s.Trace.Name, At: slices.Clone(s.Trace.At)}
	}
	return c
}

func sameTrace(a, b *DeliveryTrace) bool {
	return a == b || a != nil && b != nil && slices.Equal(a.At, b.At)
}

// fates draws what happens to packets. Each of its parts is asked about every
// packet number, also those of packets that something else has lost: so the
// states of one do not depend on another.
type fates struct {
	losses    losses
	duplicate chances
	corrupt   chances
	delays    delays
	reorder   reorders
}

// fate is what happens to one packet. A copy of it has the same, but for
// corruption, which may hit either.
type fate struct {
	lost        bool
	duplicate   bool
	corrupt     bool
	corruptCopy bool
	early       bool
	delay       time.Duration
}

func (f *fates) set(s Shape) {
	f.losses.set(s.Loss)
	f.duplicate.set(s.Duplicate)
	f.reorder.set(s.Reorder)
	f.corrupt.set(s.Corrupt)
	f.delays.set(s.Delay)
}

// draw draws for packet n.
func (f *fates) draw(d draws, n uint64) fate {
	return fate{
		lost:        f.losses.lost(d, n),
		duplicate:   f.duplicate.happens(d, n, drawDuplicate),
		corrupt:     f.corrupt.happens(d, n, drawCorrupt),
		corruptCopy: f.corrupt.P > 0 && d.uniform(n, drawOfCopy+drawCorrupt) < f.corrupt.P,
		early:       f.reorder.overtakes(d, n),
		delay:       f.delays.draw(d, n, drawDelay),
	}
}

// reorders chooses the packets that overtake the delay.
type reorders struct {
	Reorder
	chance chances
	passed int // packets since the last that overtook
}

func (r *reorders) set(to Reorder) {
	r.chance.set(to.Chance)
	if r.Reorder != to {
		r.Reorder, r.passed = to, 0
	}
}

// overtakes decides about packet n: of those behind a gap, as netem counts it,
// each overtakes with the chance until one does.
func (r *reorders) overtakes(d draws, n uint64) bool {
	if r.Chance.P == 0 {
		return false
	}
	if r.chance.happens(d, n, drawReorder) && r.passed >= r.Gap-1 {
		r.passed = 0
		return true
	}
	r.passed++
	return false
}
