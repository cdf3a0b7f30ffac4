package ws

import (
	"context"
	"sync"
)

// gate is a lock that one waits for with a context. Waiters get it in the order
// they came. The zero value is open.
type gate struct {
	mu      sync.Mutex
	taken   bool
	waiters []chan struct{} // closed when the gate is theirs
}

// lock waits for the gate until ctx or the connection is done, and reports
// whether it was had.
func (g *gate) lock(ctx context.Context, done <-chan struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	g.mu.Lock()
	if !g.taken {
		g.taken = true
		g.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	g.waiters = append(g.waiters, mine)
	g.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	case <-done:
	}
	g.mu.Lock()
	for i, w := range g.waiters {
		if w == mine {
			g.waiters = append(g.waiters[:i], g.waiters[i+1:]...)
			g.mu.Unlock()
			return false
		}
	}
	g.mu.Unlock()
	g.unlock() // it was had just now: the next one's
	return false
}

func (g *gate) tryLock() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.taken {
		return false
	}
	g.taken = true
	return true
}

func (g *gate) unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiters) == 0 {
		g.taken, g.waiters = false, nil
		return
	}
	close(g.waiters[0])
	g.waiters[0] = nil
	g.waiters = g.waiters[1:]
}
