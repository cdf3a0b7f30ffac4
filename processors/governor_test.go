package processors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const µs = time.Microsecond

// What was measured behind a TUN device on two processors (busy, idle, wait), and
// what is best there.
func TestGovernor(t *testing.T) {
	for _, c := range []struct {
		name string
		from int
		u    usage
		to   int
	}{
		{"nothing to do", 1, usage{0, 2, 0}, 1},
		{"one connection's round trips", 1, usage{0.46, 1, 2 * µs}, 1},
		{"one connection's round trips, with both", 2, usage{0.66, 0.8, 8 * µs}, 1},
		{"bulk to us", 1, usage{0.61, 0.4, 14 * µs}, 1},
		{"bulk from us", 1, usage{1, 0.3, 50 * µs}, 1},
		{"bulk from us, with both", 2, usage{1.05, 0.4, 50 * µs}, 1},
		{"new connections, with both", 2, usage{0.9, 0.6, 12 * µs}, 1},
		{"a hundred connections", 1, usage{0.98, 0.4, 560 * µs}, 2},
		{"a hundred connections, with both", 2, usage{1.32, 0.2, 330 * µs}, 2},
		{"others have the other one", 1, usage{1, 0.1, 560 * µs}, 1},
		{"others have it, and handlers compute", 1, usage{1, 0, 5000 * µs}, 2},
		{"handlers that compute", 2, usage{2, 0, 5000 * µs}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGovernor(2)
			g.procs = c.from
			for range 2 * lowerAfter {
				g.next(c.u)
			}
			require.Equal(t, c.to, g.procs)
		})
	}
}

// Who rests is left alone for longer.
func TestGovernorLetsRest(t *testing.T) {
	g := newGovernor(2)
	require.Equal(t, 5*tick, g.pause(usage{busy: 0.01, idle: 2}))
	require.Equal(t, tick, g.pause(usage{busy: 0.2, idle: 2}))
	g.procs = 2
	require.Equal(t, tick, g.pause(usage{idle: 2}), "there is one to take away")
}

// load is a program that could use so many processors, or waits.
func load(needs float64) func(procs int) usage {
	return func(procs int) usage {
		if have := float64(procs); have < needs {
			return usage{busy: have, idle: 8 - have, wait: time.Millisecond}
		}
		return usage{busy: needs, idle: 8 - needs, wait: 5 * µs}
	}
}

// A load gets what it needs in a few ticks, whatever that is, and eight seconds after
// it all of that is taken away.
func TestGovernorFollowsTheLoad(t *testing.T) {
	for _, needs := range []float64{0.1, 0.95, 1.5, 3.2, 8} {
		g := newGovernor(8)
		busy := load(needs)
		for range 3 * raiseAfter {
			g.next(busy(g.procs))
		}
		require.GreaterOrEqual(t, float64(g.procs), needs)
		rest := load(0.01)
		for range 8 * lowerAfter * 2 {
			g.next(rest(g.procs))
		}
		require.Equal(t, 1, g.procs, "after %v", needs)
	}
}

// A load for which one processor is too few, and that takes hardly more than one
// of two, does not have them come and go all the time.
func TestGovernorLearnsPatience(t *testing.T) {
	g := newGovernor(2)
	changes := 0
	const minutes = 10
	for range minutes * int(time.Minute/tick) {
		u := usage{busy: 1, idle: 1, wait: 500 * µs}
		if g.procs == 2 {
			u = usage{busy: 1.05, idle: 0.9, wait: 5 * µs}
		}
		had := g.procs
		if g.next(u) != had {
			changes++
		}
	}
	require.Positive(t, changes)
	// Twice for every time that patience grows, and then twice a mostPatience.
	most := 2*6 + 2*minutes*int(time.Minute/tick)/(mostPatience*lowerAfter) + 2
	require.LessOrEqual(t, changes, most)

	// When it has been quiet for long it learns anew.
	for range (soon + lowerAfter) * mostPatience {
		g.next(usage{idle: 2})
	}
	require.Equal(t, 1, g.procs)
	for range raiseAfter {
		g.next(usage{busy: 1, idle: 1, wait: 500 * µs})
	}
	require.Equal(t, 2, g.procs)
	for range lowerAfter {
		g.next(usage{idle: 2})
	}
	require.Equal(t, 1, g.procs, "as soon as at first")
}
