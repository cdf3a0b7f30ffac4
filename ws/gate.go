package ws

import (
	"context"
	"sync"
	"sync/atomic"
)

// gate is a lock that one waits for with a context. Waiters get it in the order
// they came. The zero value is open.
type gate struct {
	state   atomic.Int32
	mu      sync.Mutex
	waiters []chan struct{} // closed when the gate is theirs
}

const (
	gateOpen    = iota
	gateTaken   // and nobody waits
	gateAwaited // taken, and somebody waits or did; left under mu only
)

// lock waits for the gate until ctx or the connection is done, and reports
// whether it was had.
func (g *gate) lock(ctx context.Context, done <-chan struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	if g.tryLock() {
		return true
	}
	mine := g.wait()
	if mine == nil {
		return true
	}
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	case <-done:
	}
	if !g.giveUp(mine) {
		g.unlock() // it was had just now: the next one's
	}
	return false
}

// wait queues the caller; nil: the gate was open after all, and is the caller's.
func (g *gate) wait() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if g.tryLock() {
			return nil
		}
		if g.state.Load() == gateAwaited || g.state.CompareAndSwap(gateTaken, gateAwaited) {
			mine := make(chan struct{})
			g.waiters = append(g.waiters, mine)
			return mine
		}
	}
}

// giveUp reports whether the caller was still waiting.
func (g *gate) giveUp(mine chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiters {
		if w == mine {
			g.waiters = append(g.waiters[:i], g.waiters[i+1:]...)
			return true
		}
	}
	return false
}

func (g *gate) tryLock() bool { return g.state.CompareAndSwap(gateOpen, gateTaken) }

func (g *gate) unlock() {
	if g.state.CompareAndSwap(gateTaken, gateOpen) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiters) == 0 {
		g.waiters = nil
		g.state.Store(gateOpen)
		return
	}
	close(g.waiters[0])
	g.waiters[0] = nil
	g.waiters = g.waiters[1:]
	if len(g.waiters) == 0 {
		g.waiters = nil
		g.state.Store(gateTaken)
	}
}
