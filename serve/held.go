package serve

import (
	"sync"
	"sync/atomic"

	"strata/trace"
)

// held keeps events until release: what is told first is where to go, and the
// kernel's first packets come before anybody can.
type held struct {
	next trace.Recorder

	open   atomic.Bool
	mu     sync.Mutex
	events []trace.Event
}

// maxHeld bounds what is kept; further events are left out.
const maxHeld = 256

func (h *held) Record(e trace.Event) {
	if !h.open.Load() && h.keep(e) {
		return
	}
	h.next.Record(e)
}

func (h *held) keep(e trace.Event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open.Load() {
		return false
	}
	if len(h.events) < maxHeld {
		h.events = append(h.events, e)
	}
	return true
}

// release passes on what was kept, and from now on everything at once.
func (h *held) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		h.next.Record(e)
	}
	h.events = nil
	h.open.Store(true)
}
