package lab

import (
	"container/heap"
	"sync"
	"testing/synctest"
	"time"

	"strata/clock"
)

// loop is the clock.Loop of virtual time.
type loop struct {
	wake chan struct{} // holds a token when the world should look again
	done chan struct{} // closed when run has returned

	mu      sync.Mutex
	events  events
	seq     uint64
	touched []clock.Settler // in the order of their first touch
	marked  map[clock.Settler]bool
	resting []chan struct{} // of Settle calls that wait until nothing moves
	stopped bool
	ran     uint64 // events, for Stats
}

var (
	_ clock.Loop  = (*loop)(nil)
	_ clock.Waker = (*loop)(nil)
)

func newLoop() *loop {
	return &loop{wake: make(chan struct{}, 1), done: make(chan struct{}), marked: map[clock.Settler]bool{}}
}

// Now is the bubble's clock.
func (l *loop) Now() time.Time { return time.Now() }

// At implements clock.Loop.
func (l *loop) At(t time.Time, f func()) clock.Timer {
	e := &event{loop: l, f: f, index: -1}
	l.mu.Lock()
	l.schedule(e, t)
	l.mu.Unlock()
	return e
}

// Wake implements clock.Waker: f is an event like any other, of this instant.
// When the world has ended there is no order any more, and everybody is to end.
func (l *loop) Wake(f func()) {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		f()
		return
	}
	l.schedule(&event{loop: l, f: f, index: -1}, time.Now())
	l.mu.Unlock()
}

// schedule puts e into the queue. What is due in the past is due now: events
// never overtake those that were asked for earlier for a time that has come.
func (l *loop) schedule(e *event, t time.Time) {
	if now := time.Now(); t.Before(now) {
		t = now
	}
	e.at, e.seq = t, l.seq
	l.seq++
	heap.Push(&l.events, e)
	if l.events[0] == e {
		l.signal()
	}
}

// Touch implements clock.Loop.
func (l *loop) Touch(s clock.Settler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.marked[s] {
		l.marked[s] = true
		l.touched = append(l.touched, s)
		l.signal()
	}
}

func (l *loop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// rest waits until nothing moves and no event is due.
func (l *loop) rest() {
	ready := make(chan struct{})
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return
	}
	l.resting = append(l.resting, ready)
	l.signal()
	l.mu.Unlock()
	<-ready
}

// stop makes run return.
func (l *loop) stop() {
	l.mu.Lock()
	l.stopped = true
	l.signal()
	l.mu.Unlock()
	<-l.done
}

// run is the world's goroutine.
func (l *loop) run() {
	defer close(l.done)
	garbage := newCollector()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		l.settle()
		garbage.rest()
		e, ready, until, stopped := l.next()
		switch {
		case stopped:
			return
		case e != nil:
			e.f()
		case ready != nil:
			close(ready)
		default:
			alarm.Reset(until)
			select {
			case <-l.wake:
			case <-alarm.C:
			}
		}
	}
}

// settle returns when everything but the world waits, and the hosts that were
// touched have drained what they had.
func (l *loop) settle() {
	for {
		synctest.Wait()
		l.mu.Lock()
		if len(l.touched) == 0 {
			l.mu.Unlock()
			return
		}
		s := l.touched[0]
		l.touched = l.touched[1:]
		delete(l.marked, s)
		l.mu.Unlock()
		s.Settle()
	}
}

// forever is how long the world sleeps where no event is asked for.
const forever = 1000 * time.Hour

// next takes the event that is due. Where there is none it gives one who waits
// for rest, or the time until the next event.
func (l *loop) next() (e *event, ready chan struct{}, until time.Duration, stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		for _, r := range l.resting {
			close(r)
		}
		l.resting = nil
		return nil, nil, 0, true
	}
	until = forever
	if len(l.events) > 0 {
		until = time.Until(l.events[0].at)
		if until <= 0 {
			e = heap.Pop(&l.events).(*event)
			l.ran++
			return e, nil, 0, false
		}
	}
	if len(l.resting) > 0 {
		ready = l.resting[0]
		l.resting = l.resting[1:]
	}
	return nil, ready, until, false
}

// event is one call that was asked for, and its timer.
type event struct {
	loop  *loop
	f     func()
	at    time.Time
	seq   uint64
	index int // in the queue; -1 where it is not in it
}

// Stop implements clock.Timer.
func (e *event) Stop() bool {
	e.loop.mu.Lock()
	defer e.loop.mu.Unlock()
	if e.index < 0 {
		return false
	}
	heap.Remove(&e.loop.events, e.index)
	return true
}

// Reset implements clock.Timer.
func (e *event) Reset(t time.Time) {
	e.loop.mu.Lock()
	defer e.loop.mu.Unlock()
	if e.index >= 0 {
		heap.Remove(&e.loop.events, e.index)
	}
	e.loop.schedule(e, t)
}

// events is a heap by time, then by the order of asking.
type events []*event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q events) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *events) Push(x any) {
	e := x.(*event)
	e.index = len(*q)
	*q = append(*q, e)
}
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	e.index = -1
	return e
}
