package lab

import (
	"fmt"
	"strings"
	"testing"
)

// maxShrinkRuns bounds how often Shrink runs a world.
const maxShrinkRuns = 300

// Shrunk is the smallest set of lost packets that Shrink has found a world to
// fail with.
type Shrunk struct {
	Seed uint64
	Err  error // how the world failed with these

	// Lost are the packets, by wire, direction and number. Empty: the world
	// fails without any loss.
	Lost []Lost
	Of   int // how many were lost in the first run
	Runs int // of the world

	// Stopped says that there were too many runs, so that fewer packets may be
	// enough. Else none of them can be left out.
	Stopped bool
}

// Shrink finds out which of the packets that wires have lost matter. It runs f in
// a world, as Run does; where f returns an error, or the world fails, it runs f
// again and again in worlds with the same seed in which only some of those
// packets are lost, until none more can be left out. It logs what it has found
// and returns it; nil says that f did not fail. The test itself does not fail.
//
// It is about what the loss models of shapes decide: what rules, queues and
// partitions do, stays. Numbers stand for the same packets only as far as the
// world goes the same way until then; that is so for those that are found.
//
// f must do all that it does with the world it is given, and return what went
// wrong, or fail the world's T, in place of the test around it.
func Shrink(t *testing.T, f func(w *World) error, opts ...Option) *Shrunk {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.realTime {
		t.Fatal("lab: Shrink: in real time no two runs are the same")
	}
	if o.seed == 0 {
		seed, err := firstSeed()
		if err != nil {
			t.Fatal(err)
		}
		o.seed = seed
	}
	noted := &lossPlan{}
	o.losses = noted
	err := o.try(t, f)
	if err == nil {
		t.Logf("lab: Shrink: with seed %d it does not fail; %d packets were lost", o.seed, len(noted.lost))
		return nil
	}
	s := &Shrunk{Seed: o.seed, Err: err, Lost: noted.lost, Of: len(noted.lost), Runs: 1}
	fails := func(lost []Lost) bool {
		if s.Runs >= maxShrinkRuns {
			s.Stopped = true
			return false
		}
		s.Runs++
		plan := planOf(lost)
		o.losses = plan
		err := o.try(t, f)
		if err == nil {
			return false
		}
		s.Err, s.Lost = err, plan.lost // with what they are called this time
		return true
	}
	minimize(noted.lost, fails)
	t.Log(s)
	return s
}

// minimize finds a subset that still fails and of which nothing can be left out:
// delta debugging (Zeller, Hildebrandt: Simplifying and isolating
// failure-inducing input, 2002).
func minimize[T any](set []T, fails func([]T) bool) []T {
	if len(set) == 0 || fails(nil) {
		return nil
	}
	parts := 2
next:
	for len(set) > 1 {
		parts = min(parts, len(set))
		for i := range parts {
			from, to := i*len(set)/parts, (i+1)*len(set)/parts
			if part := set[from:to]; parts < len(set) && fails(part) {
				set, parts = part, 2
				continue next
			}
		}
		for i := range parts {
			from, to := i*len(set)/parts, (i+1)*len(set)/parts
			rest := append(append([]T(nil), set[:from]...), set[to:]...)
			if fails(rest) {
				set, parts = rest, max(parts-1, 2)
				continue next
			}
		}
		if parts == len(set) {
			break
		}
		parts *= 2
	}
	return set
}

// String says which packets they are, and the rules that lose them.
func (s *Shrunk) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "with seed %d it fails: %v\n", s.Seed, s.Err)
	switch {
	case len(s.Lost) == 0 && s.Of == 0:
		b.WriteString("nothing was lost")
		return b.String()
	case len(s.Lost) == 0:
		fmt.Fprintf(&b, "and also when none of the %d lost packets is", s.Of)
		return b.String()
	}
	fmt.Fprintf(&b, "%d of the %d lost packets are enough (%d runs", len(s.Lost), s.Of, s.Runs)
	if s.Stopped {
		b.WriteString(", stopped; fewer may be enough")
	}
	b.WriteString("); without loss in the shapes, but with these rules, it fails too:")
	for i, l := range s.Lost {
		if i == 0 || l.Wire != s.Lost[i-1].Wire || l.FromA != s.Lost[i-1].FromA {
			var numbers []string
			for _, other := range s.Lost[i:] {
				if other.Wire == l.Wire && other.FromA == l.FromA {
					numbers = append(numbers, fmt.Sprint(other.Number))
				}
			}
			direction := "BA"
			if l.FromA {
				direction = "AB"
			}
			fmt.Fprintf(&b, "\nwire %s: %s().Rule(link.DropNumbers(%s)), as a shape: loss list %s", l.Wire, direction, strings.Join(numbers, ", "), strings.Join(numbers, " "))
		}
		fmt.Fprintf(&b, "\n\t%d: %s", l.Number, l.Packet)
	}
	return b.String()
}
