package link

import (
	"math/bits"
	"time"
)

// forever is where times end: 73 years after the wire was made. A packet that
// would take longer never comes.
const forever = time.Duration(1) << 61

// later is t + d for t and d that are not negative, and never after forever.
func later(t, d time.Duration) time.Duration {
	if d > forever-t {
		return forever
	}
	return t + d
}

// line is what sends packets one after the other at a rate.
type line struct {
	rate Rate
	free time.Duration // when it has sent what it was given

	// carry is the part of a nanosecond, times rate.Bits, that free was rounded
	// down by: with it the next packet's end is exact again, so that a million
	// packets end when their bits say, not up to a million nanoseconds earlier.
	carry uint64
}

// set changes the rate for what is sent from now on.
func (l *line) set(r Rate) {
	if l.rate != r {
		l.rate, l.carry = r, 0
	}
}

// send begins to send a packet at start, not before the line is free, and
// returns when its last bit has left.
func (l *line) send(start time.Duration, size int) (end time.Duration) {
	if l.rate.Bits == 0 {
		return start
	}
	if start > l.free {
		l.free, l.carry = start, 0
	}
	// size in bits times nanoseconds a second, in 128 bits; then divided by bits
	// a second.
	hi, lo := bits.Mul64(l.rate.size(size)*8, uint64(time.Second))
	lo, more := bits.Add64(lo, l.carry, 0)
	hi += more
	if hi >= l.rate.Bits { // the quotient would not fit 64 bits: centuries
		l.free, l.carry = forever, 0
		return l.free
	}
	took, rest := bits.Div64(hi, lo, l.rate.Bits)
	l.free, l.carry = later(l.free, time.Duration(min(took, uint64(forever)))), rest
	return l.free
}

// size is what a packet of so many bytes occupies on the line: as netem has it,
// the overhead is added first, and then whole cells are filled.
func (r *Rate) size(bytes int) uint64 {
	n := max(0, bytes+r.PacketOverhead)
	if r.CellSize > 0 {
		cells := (n + r.CellSize - 1) / r.CellSize
		n = cells * max(0, r.CellSize+r.CellOverhead)
	}
	return uint64(n)
}
