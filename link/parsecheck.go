package link

import (
	"math"
	"time"
)

const (
	minMTU = 68    // the least that IPv4 allows (RFC 791 §3.2)
	maxMTU = 65535 // the largest IP packet

	// maxOverhead bounds overheads and cells to the size of a packet: more is a
	// slip, of a rate in their place say.
	maxOverhead = 65535

	maxFlows   = 1 << 16 // fq_codel's
	minQuantum = 256     // fq_codel's
	maxQuantum = 1 << 20 // fq_codel's
)

const spreadsNothing = "needs a delay and a jitter, both above zero"

// shapeFault says which part of a shape is wrong and why.
type shapeFault struct {
	part   string // its word in the grammar
	reason string
}

// Error is one line.
func (f *shapeFault) Error() string { return "shape: " + f.part + ": " + f.reason }

// Validate says what is wrong with a shape that was made as a struct, in one
// line; nil where it may be given to a wire. What [ParseShape] returns is
// valid. Fields that the Kind of a loss or distribution does not use are not
// looked at.
func (s Shape) Validate() error {
	if f := s.check(); f != nil {
		return f
	}
	return nil
}

// check is the first fault, nil for none.
func (s *Shape) check() *shapeFault {
	for _, c := range []struct {
		part  string
		check func() string
	}{
		{"delay", s.Delay.check},
		{"distribution", s.Delay.checkDistribution},
		{"loss", s.Loss.check},
		{"duplicate", s.Duplicate.check},
		{"corrupt", s.Corrupt.check},
		{"reorder", s.checkReorder},
		{"gap", s.Reorder.checkGap},
		{"rate", s.Rate.check},
		{"trace", s.checkTrace},
		{"limit", s.Queue.checkPackets},
		{"queue", s.Queue.check},
		{"slot", s.Slot.check},
		{"mtu", s.checkMTU},
	} {
		if reason := c.check(); reason != "" {
			return &shapeFault{c.part, reason}
		}
	}
	return nil
}

// probable says what is wrong with probabilities; NaN is.
func probable(ps ...float64) string {
	for _, p := range ps {
		if !(p >= 0 && p <= 1) {
			return "a probability is not between 0 and 1"
		}
	}
	return ""
}

func timely(ts ...time.Duration) string {
	for _, t := range ts {
		if t < 0 {
			return "a time is negative"
		}
		if t > maxTime {
			return "a time is longer than " + formatTime(maxTime)
		}
	}
	return ""
}

func (c *Chance) check() string { return probable(c.P, c.Correlation) }

func (d *Delay) check() string {
	if reason := timely(d.Time, d.Jitter); reason != "" {
		return reason
	}
	return probable(d.Correlation)
}

func (d *Delay) checkDistribution() string {
	switch {
	case d.Distribution.Kind > Samples:
		return "no such distribution"
	case d.Distribution.Kind == Uniform:
		return ""
	case d.Time == 0 || d.Jitter == 0:
		return spreadsNothing
	case d.Distribution.Kind != Samples:
		return ""
	case len(d.Distribution.Table) == 0:
		return "the table is empty"
	case len(d.Distribution.Table) > maxTable:
		return "the table is too large"
	}
	for _, v := range d.Distribution.Table {
		if math.IsNaN(v) || math.Abs(v) > 4 {
			return "the table has a deviation of more than 4 sigma"
		}
	}
	return ""
}

func (l *Loss) check() string {
	switch l.Kind {
	case LossNone:
		return ""
	case LossRandom:
		return l.Chance.check()
	case LossGilbertElliott:
		return probable(l.P, l.R, l.OneMinusH, l.OneMinusK)
	case LossState:
		if reason := probable(l.P13, l.P31, l.P32, l.P23, l.P14); reason != "" {
			return reason
		}
		// What leaves a state adds up to one at most; 1e-9 forgives decimals.
		switch {
		case l.P13+l.P14 > 1+1e-9:
			return "p13 and p14 are more than 100% together"
		case l.P31+l.P32 > 1+1e-9:
			return "p31 and p32 are more than 100% together"
		}
		return ""
	case LossPattern:
		if n := len(l.Pattern); n == 0 || n > maxLossPackets {
			return "the pattern is empty or too long"
		}
		return ""
	case LossList:
		if n := len(l.List); n == 0 || n > maxLossPackets {
			return "the list is empty or too long"
		}
		last := uint64(0)
		for _, n := range l.List {
			if n <= last {
				return "the list does not rise from 1"
			}
			last = n
		}
		return ""
	}
	return "no such model of loss"
}

func (s *Shape) checkReorder() string {
	if reason := s.Reorder.Chance.check(); reason != "" {
		return reason
	}
	if s.Reorder.Chance.P > 0 && s.Delay.Time == 0 {
		return "needs a delay that a packet can pass"
	}
	return ""
}

func (r *Reorder) checkGap() string {
	switch {
	case r.Gap < 0 || r.Gap > math.MaxInt32:
		return "out of range"
	case r.Gap > 0 && r.Chance.P == 0:
		return "needs reorder and its percentage"
	}
	return ""
}

func (r *Rate) check() string {
	within := func(n, least int) bool { return least <= n && n <= maxOverhead }
	switch {
	case r.Bits > maxRate:
		return "faster than " + formatRate(maxRate)
	case r.Bits == 0 && *r != Rate{}:
		return "overheads without a rate"
	case !within(r.PacketOverhead, -maxOverhead) || !within(r.CellSize, 0) || !within(r.CellOverhead, -maxOverhead):
		return "an overhead or the cell size is out of range"
	case r.CellSize == 0 && r.CellOverhead != 0:
		return "overhead of cells without cells"
	case r.CellSize > 0 && r.CellSize+r.CellOverhead <= 0:
		return "the overhead leaves nothing of a cell"
	}
	return ""
}

func (s *Shape) checkTrace() string {
	if s.Trace == nil {
		return ""
	}
	if s.Rate != (Rate{}) {
		return "a trace is in place of a rate, not beside it"
	}
	return s.Trace.check()
}

func (q *Queue) checkPackets() string {
	if q.Packets < 0 || q.Packets > maxPackets {
		return "the number of packets is out of range"
	}
	return ""
}

func (q *Queue) check() string {
	switch {
	case q.Kind > FQCoDel:
		return "no such kind"
	case q.Bytes < 0 || q.Bytes > maxBytes:
		return "the number of bytes is out of range"
	case q.Kind < CoDel && (q.Target != 0 || q.Interval != 0):
		return "target and interval are for codel and fq_codel"
	case q.Kind != FQCoDel && (q.Flows != 0 || q.Quantum != 0):
		return "flows and quantum are for fq_codel"
	case q.Flows < 0 || q.Flows > maxFlows:
		return "the number of flows is out of range"
	case q.Quantum != 0 && (q.Quantum < minQuantum || q.Quantum > maxQuantum):
		return "the quantum is not between 256 bytes and 1mb"
	}
	return timely(q.Target, q.Interval)
}

func (s *Slot) check() string {
	switch {
	case s.Packets < 0 || s.Packets > math.MaxInt32 || s.Bytes < 0 || s.Bytes > maxBytes:
		return "packets or bytes are out of range"
	case s.Max < s.Min:
		return "the longest is shorter than the shortest"
	case s.Max == 0 && (s.Packets != 0 || s.Bytes != 0):
		return "packets or bytes of slots of no length"
	}
	return timely(s.Min, s.Max)
}

func (s *Shape) checkMTU() string {
	if s.MTU != 0 && (s.MTU < minMTU || s.MTU > maxMTU) {
		return "not between 68 and 65535"
	}
	return ""
}
