package tcp

import "sync"

// turn is a lock that goroutines take in the order in which they came. One that
// waits for a mutex would keep virtual time from going on; here it waits for a
// channel. The zero value is free.
type turn struct {
	mu      sync.Mutex
	taken   bool
	waiting []chan struct{} // each closed when the turn is theirs
}

func (t *turn) take() {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	<-mine
}

// tryTake takes the turn where it is free.
func (t *turn) tryTake() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	free := !t.taken
	t.taken = true
	return free
}

func (t *turn) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	close(t.waiting[0])
	if t.waiting = t.waiting[1:]; len(t.waiting) == 0 {
		t.waiting = nil
	}
}
