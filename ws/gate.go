package ws

import (
	"context"
	"sync"
	"sync/atomic"
)

// gate is a lock that one waits for with a context. Waiters get it in the order
// they came. The zero value is open.
type gate struct {
	state atomic.Int32
	mu    sync.Mutex
	last  *gateWaiter // of a ring, in which the first comes after it; nil: nobody waits
}

type gateWaiter struct {
	mine chan struct{} // closed when the gate is theirs
	next *gateWaiter
}

const (
	gateOpen    = iota
	gateTaken   // and nobody waits
	gateAwaited // taken, and somebody waits or did; left under mu only
)

// lock waits for the gate until ctx or the connection c is done, and reports
// whether it was had.
func (g *gate) lock(ctx context.Context, c *Conn) bool {
	if ctx.Err() != nil {
		return false
	}
	if g.tryLock() {
		return true
	}
	w := g.wait()
	if w == nil {
		return true
	}
	select {
	case <-w.mine:
		return true
	case <-ctx.Done():
	case <-c.whenEnded():
	}
	if !g.giveUp(w) {
		g.unlock() // it was had just now: the next one's
	}
	return false
}

// wait queues the caller; nil: the gate was open after all, and is the caller's.
func (g *gate) wait() *gateWaiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if g.tryLock() {
			return nil
		}
		if g.state.Load() == gateAwaited || g.state.CompareAndSwap(gateTaken, gateAwaited) {
			w := &gateWaiter{mine: make(chan struct{})}
			if w.next = w; g.last != nil {
				w.next, g.last.next = g.last.next, w
			}
			g.last = w
			return w
		}
	}
}

// giveUp reports whether the caller was still waiting.
func (g *gate) giveUp(w *gateWaiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil {
		return false
	}
	before := g.last
	for before.next != w {
		if before = before.next; before == g.last {
			return false
		}
	}
	g.removeAfter(before)
	return true
}

// removeAfter takes the waiter behind another out of the ring.
func (g *gate) removeAfter(before *gateWaiter) {
	w := before.next
	before.next = w.next
	switch {
	case w == before:
		g.last = nil
	case w == g.last:
		g.last = before
	}
}

func (g *gate) tryLock() bool { return g.state.CompareAndSwap(gateOpen, gateTaken) }

func (g *gate) unlock() {
	if g.state.CompareAndSwap(gateTaken, gateOpen) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil {
		g.state.Store(gateOpen)
		return
	}
	first := g.last.next
	g.removeAfter(g.last)
	if g.last == nil {
		g.state.Store(gateTaken)
	}
	close(first.mine)
}
