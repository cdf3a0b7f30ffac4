package trace

import "sync"

// Recording keeps the last events that it was told, at most a number of them.
type Recording struct {
	mu      sync.Mutex
	max     int
	events  []Event // a ring when full
	next    int     // the oldest, when full
	dropped uint64
}

var _ Recorder = (*Recording)(nil)

// DefaultRecording is how many events a Recording keeps by default: those of
// some 200,000 segments over one wire, some 200 MB.
const DefaultRecording = 1 << 20

// NewRecording makes a Recording that keeps the last max events; 0 is
// DefaultRecording.
func NewRecording(max int) *Recording {
	if max <= 0 {
		max = DefaultRecording
	}
	return &Recording{max: max}
}

// Record keeps e, and lets go of the oldest event where it is one too many.
func (r *Recording) Record(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) < r.max {
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % r.max
	r.dropped++
}

// Events are those that were kept, in the order of telling, and how many older
// ones were let go.
func (r *Recording) Events() (events []Event, dropped uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	events = make([]Event, 0, len(r.events))
	events = append(events, r.events[r.next:]...)
	return append(events, r.events[:r.next]...), r.dropped
}
