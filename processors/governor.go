package processors

import (
	"math"
	"time"
)

// Every tick it is asked how the processors were used since the last, and every fifth
// one where there is nothing to do.
const tick = 50 * time.Millisecond

const (
	// longWait is how long goroutines wait for a processor, in the mean, where
	// another one is worth it: several times as long as waking its thread takes.
	longWait = 100 * time.Microsecond

	// starving is how long they wait where it is worth it even if others have to
	// make room.
	starving = 2 * time.Millisecond

	raiseAfter = 2  // ticks in which they did
	lowerAfter = 10 // ticks in which a processor was not needed, at first

	// A processor that is wanted again within so many ticks should not have been
	// taken away: the next is left for twice as long, up to mostPatience times.
	soon         = 40
	mostPatience = 64
)

// usage is how the processors were used during a tick.
type usage struct {
	busy float64       // processors that the program used, in the mean
	idle float64       // processors of the machine that nobody used, or only who is nice; huge where it is not known
	wait time.Duration // that a goroutine waited for a processor, in the mean
}

// governor decides how many processors there should be, from 1 to max.
type governor struct {
	procs, max int

	high, low int // ticks in a row that spoke for one more, for one less
	lowered   int // ticks since the last was taken away
	patience  int // times lowerAfter
}

// newGovernor begins with one.
func newGovernor(max int) *governor {
	return &governor{procs: 1, max: max, lowered: math.MaxInt / 2, patience: 1}
}

// wants reports whether a tick speaks for more processors, as far as the program
// itself can tell.
func (g *governor) wants(u usage) bool {
	return g.procs < g.max && u.wait >= longWait && u.busy >= 0.9*float64(g.procs)
}

// pause is how long it is until the next tick: longer where there is next to nothing
// to do, for which a processor need not be woken so often.
func (g *governor) pause(u usage) time.Duration {
	if g.procs == 1 && u.busy < 0.05 {
		return 5 * tick
	}
	return tick
}

// next is how many processors there should be after a tick.
func (g *governor) next(u usage) int {
	g.lowered++
	switch {
	case g.wants(u) && (u.idle >= 0.25 || u.wait >= starving):
		g.low = 0
		if g.high++; g.high < raiseAfter {
			break
		}
		g.high = 0
		if g.lowered <= soon*g.patience {
			g.patience = min(2*g.patience, mostPatience)
		} else {
			g.patience = 1 // the last was not needed for long
		}
		g.procs = min(2*g.procs, g.max)
	case g.procs > 1 && u.wait < longWait && u.busy <= float64(g.procs)-0.9:
		g.high = 0
		if g.low++; g.low < lowerAfter*g.patience {
			break
		}
		g.low, g.lowered = 0, 0
		g.procs--
	default:
		g.high, g.low = 0, 0
	}
	return g.procs
}
