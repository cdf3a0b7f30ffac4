package inspect

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"strata/trace"
)

// follower chooses the connections that are followed, which means that all of
// what happens to them is kept: all connections while there is room for that, else
// so many as there is room for. They are those whose hash lies below a bound, so
// that the choice is the same on every floor and costs no memory.
type follower struct {
	seed  uint64
	bound atomic.Uint64 // 0: nobody looks

	// With the Recorder's lock.
	busy     map[uint64]int // events in this turn, by hash
	narrowAt int            // events in this turn at which fewer are followed from then on
	quiet    int            // turns since when there has been room for twice as many
	cuts     []cut
}

// everyone is a bound above all hashes.
const everyone = 1 << 32

// growAfter is how many turns with room come before more connections are followed:
// who is followed shall stay so.
const growAfter = 10

// cut is a moment from which on fewer were followed: the events of the others that
// came before have a gap behind them.
type cut struct {
	number uint64 // the next event's
	bound  uint64
}

// hash is a connection's, whichever end names it; 0 of none.
func (f *follower) hash(flow trace.Flow) uint64 {
	if flow == (trace.Flow{}) {
		return 0
	}
	return (f.hashEnd(flow.Local) + f.hashEnd(flow.Remote)) % everyone
}

// hashEnd is quick rather than good: it is asked for a dozen times a message, and
// who sees through it is followed, no more.
func (f *follower) hashEnd(end netip.AddrPort) uint64 {
	a := end.Addr().As16()
	sum := f.seed ^ uint64(end.Port())<<32 ^ binary.BigEndian.Uint64(a[:8]) ^ bits.RotateLeft64(binary.BigEndian.Uint64(a[8:]), 16)
	return sum * 0x9e3779b97f4a7c15 >> 32 // 2^64 by the golden ratio (Knuth, TAOCP 3 §6.4)
}

// follows says whether a connection is followed; the zero flow is while somebody
// looks.
func (f *follower) follows(flow trace.Flow) bool {
	switch bound := f.bound.Load(); bound {
	case 0:
		return false
	case everyone:
		return true
	default:
		return f.hash(flow) < bound
	}
}

// begin follows everyone.
func (f *follower) begin() {
	f.bound.Store(everyone)
	f.cuts, f.quiet = nil, 0
	f.newTurn(0, 0)
}

// end follows nobody.
func (f *follower) end() { f.bound.Store(0) }

// newTurn begins one; so many turns ago the last began, with so many events.
func (f *follower) newTurn(turns, events int) {
	f.busy, f.narrowAt = map[uint64]int{}, perTurn/2
	if events >= perTurn/8 {
		f.quiet = 0
		return
	}
	f.quiet += turns
	if bound := f.bound.Load(); f.quiet >= growAfter && bound < everyone {
		f.quiet = 0
		f.bound.Store(min(2*bound, everyone))
	}
}

// count counts an event of a connection, the turn's so-manieth so long after the
// turn's beginning, and has fewer followed where the turn would else be full before
// its time: so many that as it goes on half of the room is left.
func (f *follower) count(hash uint64, taken int, elapsed time.Duration, next uint64) {
	if hash != 0 {
		f.busy[hash]++
	}
	if taken < f.narrowAt {
		return
	}
	f.narrowAt += max((perTurn-f.narrowAt)/2, 1)
	expected := float64(taken) * float64(turn-elapsed) / float64(max(elapsed, 1))
	share := float64(perTurn-taken) / 2 / expected
	hashes, all := make([]uint64, 0, len(f.busy)), 0
	for h, n := range f.busy {
		hashes = append(hashes, h)
		all += n
	}
	if share >= 1 || len(hashes) < 2 { // one is followed, whatever it says
		return
	}
	slices.Sort(hashes)
	bound, events := hashes[1], f.busy[hashes[0]]
	for _, h := range hashes[1:] {
		if events += f.busy[h]; float64(events) > share*float64(all) {
			break
		}
		bound = h + 1
	}
	f.bound.Store(bound)
	f.quiet = 0
	for h := range f.busy {
		if h >= bound {
			delete(f.busy, h)
		}
	}
	// Of older cuts those count no more that left more connections.
	f.cuts = slices.DeleteFunc(f.cuts, func(c cut) bool { return c.bound >= bound })
	f.cuts = append(f.cuts, cut{next, bound})
}

// gapless gives those of the events from number first on that belong to connections
// that were followed without a gap since.
func (f *follower) gapless(events []trace.Event, first uint64) []trace.Event {
	f.cuts = slices.DeleteFunc(f.cuts, func(c cut) bool { return c.number <= first })
	if len(f.cuts) == 0 {
		return events
	}
	cuts, bound := f.cuts, uint64(math.MaxUint64)
	keep := make([]bool, len(events))
	for i := len(events) - 1; i >= 0; i-- {
		for n := len(cuts); n > 0 && cuts[n-1].number > first+uint64(i); n-- {
			bound, cuts = min(bound, cuts[n-1].bound), cuts[:n-1]
		}
		keep[i] = bound > everyone || f.hash(events[i].Flow) < bound
	}
	i := -1
	return slices.DeleteFunc(events, func(trace.Event) bool { i++; return !keep[i] })
}
