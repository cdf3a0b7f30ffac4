package lab

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// collector collects garbage when the world rests, and only then: a collection
// that begins in the middle of things stops whichever goroutine runs, and the
// others go first.
type collector struct {
	allocated []metrics.Sample
	last      uint64 // bytes allocated at the last collection
	countdown int
}

const (
	lookEvery    = 256      // events between two looks
	collectEvery = 64 << 20 // bytes allocated between two collections, at least
)

func newCollector() *collector {
	c := &collector{allocated: []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}}
	c.last = c.read()
	return c
}

func (c *collector) read() uint64 {
	metrics.Read(c.allocated)
	return c.allocated[0].Value.Uint64()
}

// rest is called between events.
func (c *collector) rest() {
	if c.countdown--; c.countdown > 0 {
		return
	}
	c.countdown = lookEvery
	if now := c.read(); now-c.last >= collectEvery {
		runtime.GC()
		c.last = now
	}
}

var garbage struct {
	mu     sync.Mutex
	worlds int
	before int
}

// collectByHand switches Go's own collections off for as long as there are
// virtual worlds, and returns what ends that.
func collectByHand() (end func()) {
	g := &garbage
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.worlds == 0 {
		runtime.GC()
		g.before = debug.SetGCPercent(-1)
	}
	g.worlds++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.worlds--; g.worlds == 0 {
			debug.SetGCPercent(g.before)
		}
	}
}
