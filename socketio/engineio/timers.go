package engineio

import (
	"container/heap"
	"sync"
	"time"
)

// timers calls many sessions at their times with one runtime timer: a heap
// ordered by time, and a timer for its first. An idle server has none.
type timers struct {
	mu    sync.Mutex
	heap  timerHeap
	first *time.Timer // made when it is first needed
	armed time.Time   // when it fires; zero: not set
}

// timer is one session's place in the heap. It is part of the session: setting
// it allocates nothing.
type timer struct {
	at      time.Time
	index   int    // in the heap, plus one; 0: not in it
	expired func() // must not block; may come late, after set or stop
}

// set moves t's time.
func (ts *timers) set(t *timer, at time.Time) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t.at = at
	if t.index == 0 {
		heap.Push(&ts.heap, t)
	} else {
		heap.Fix(&ts.heap, t.index-1)
	}
	ts.arm()
}

// stop takes t out. What has already begun is not stopped.
func (ts *timers) stop(t *timer) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.index != 0 {
		heap.Remove(&ts.heap, t.index-1)
		ts.arm()
	}
}

// arm sets the runtime's timer for the first of the heap.
func (ts *timers) arm() {
	if len(ts.heap) == 0 {
		if ts.first != nil {
			ts.first.Stop()
		}
		ts.armed = time.Time{}
		return
	}
	at := ts.heap[0].at
	switch {
	case at.Equal(ts.armed):
		return
	case ts.first == nil:
		ts.first = time.AfterFunc(time.Until(at), ts.fire)
	default:
		ts.first.Reset(time.Until(at))
	}
	ts.armed = at
}

func (ts *timers) fire() {
	ts.mu.Lock()
	ts.armed = time.Time{}
	now := time.Now()
	var due []*timer
	for len(ts.heap) > 0 && !ts.heap[0].at.After(now) {
		due = append(due, heap.Pop(&ts.heap).(*timer))
	}
	ts.arm()
	ts.mu.Unlock()
	for _, t := range due {
		t.expired()
	}
}

type timerHeap []*timer

var _ heap.Interface = (*timerHeap)(nil)

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.index = len(*h)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = 0
	return t
}
