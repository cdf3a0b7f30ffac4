package ws

import "context"

// gate is a lock that one waits for with a context. Waiters get it in the order
// they came.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

// lock waits for the gate until ctx or the connection is done, and reports
// whether it was had.
func (g gate) lock(ctx context.Context, done <-chan struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case g <- struct{}{}:
		return true
	default:
	}
	select {
	case g <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-done:
	}
	return false
}

func (g gate) tryLock() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) unlock() { <-g }
