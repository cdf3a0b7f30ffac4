package link

import (
	"slices"
	"time"
)

// Nth is a rule for the nth packet that matches, counted from 1: it alone gets
// the verdict.
func Nth(n int, m Match, verdict Verdict) Rule {
	seen := 0
	return func(v *View) Verdict {
		if seen >= n || !m(v) {
			return Pass
		}
		if seen++; seen == n {
			return verdict
		}
		return Pass
	}
}

// Each is a rule for every packet that matches.
func Each(m Match, verdict Verdict) Rule {
	return func(v *View) Verdict {
		if m(v) {
			return verdict
		}
		return Pass
	}
}

// DropFirst drops the first packet that matches: DropFirst(SYNACK).
func DropFirst(m Match) Rule { return Nth(1, m, Drop) }

// DropNth drops the nth packet that matches, counted from 1.
func DropNth(n int, m Match) Rule { return Nth(n, m, Drop) }

// DropEach drops every packet that matches.
func DropEach(m Match) Rule { return Each(m, Drop) }

// DelayNth holds the nth packet that matches up by d, counted from 1; those
// behind it overtake it: DelayNth(3, Data, 200*time.Millisecond).
func DelayNth(n int, m Match, d time.Duration) Rule { return Nth(n, m, DelayBy(d)) }

// DropRetransmissions drops what TCP sends again, so that what is lost once
// stays lost.
func DropRetransmissions() Rule { return Each(Retransmission, Drop) }

// DropNumbers drops the packets with these numbers, as a direction counts them
// from 1; so it is a rule for a [Direction].
func DropNumbers(numbers ...uint64) Rule {
	drop := slices.Clone(numbers)
	slices.Sort(drop)
	return func(v *View) Verdict {
		if _, found := slices.BinarySearch(drop, v.Number); found {
			return Drop
		}
		return Pass
	}
}

// ResetAtByte resets each connection on which one side sends more than n bytes
// of data: the segment with byte n, counted from 0, does not arrive, and both
// sides get a reset.
func ResetAtByte(n uint64) Rule {
	return func(v *View) Verdict {
		if Data(v) && v.Stream.Offset+uint64(v.PayloadLen) > n {
			return Reset
		}
		return Pass
	}
}
