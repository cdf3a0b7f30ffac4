package clock

import (
	"container/heap"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Precise is [Real] with timers that are late by some tens of microseconds, on
// a machine with a processor to spare; the runtime's are late by up to a
// millisecond. Every other loop it returns as it is, and Real too inside of a
// testing/synctest bubble, where time does not pass by itself.
//
// What is asked for with the loop that it returns runs on one thread of the
// process, one at a time, and must not take long: what takes longer than 10 ms
// makes others late by as much, and a second thread takes over. There is no
// such thread, and nothing runs at all, while nothing is asked for.
func Precise(loop Loop) Loop {
	if _, ok := loop.(realLoop); !ok || inBubble() {
		return loop
	}
	return preciseLoop{}
}

// inBubble reports whether time.Now is not the system's clock: in a bubble it
// began at midnight of 2000-01-01.
func inBubble() bool {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &ts) != nil {
		return true
	}
	return time.Until(time.Unix(ts.Unix())).Abs() > 24*time.Hour
}

type preciseLoop struct{ realLoop }

// At implements Loop.
func (preciseLoop) At(t time.Time, f func()) Timer {
	p := &preciseTimer{f: f, index: -1}
	if time.Until(t) <= 0 {
		go f() // which is sooner than to wake the thread
		return p
	}
	p.Reset(t)
	return p
}

// preciseTimer is one call in the pacer's queue.
type preciseTimer struct {
	f     func()
	at    time.Time
	index int // in the queue; -1 where it is not in it
}

// Stop implements Timer.
func (t *preciseTimer) Stop() bool {
	p := &thePacer
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&p.queue, t.index)
	if len(p.queue) == 0 {
		p.wake() // to end
	}
	return true
}

// Reset implements Timer.
func (t *preciseTimer) Reset(at time.Time) {
	p := &thePacer
	p.mu.Lock()
	defer p.mu.Unlock()
	t.at = at
	if t.index < 0 {
		heap.Push(&p.queue, t)
	} else {
		heap.Fix(&p.queue, t.index)
	}
	switch {
	case !p.led:
		p.begin()
	case t.index == 0:
		p.wake()
	}
}

// pacer runs what is due. A Go timer wakes a sleeping processor through the
// network poller, whose timeout is in whole milliseconds; this sleeps itself,
// in ppoll, on a thread that nobody else uses, until the next call is due or an
// earlier one is asked for.
type pacer struct {
	mu     sync.Mutex
	queue  preciseQueue
	led    bool   // there is a goroutine that runs the queue
	leader uint64 // its number
	asleep bool
	event  int // an eventfd that ends its sleep; -1 where there is none

	calls   uint64 // begun
	running bool   // the last of them has not returned
	seen    uint64 // calls, when the watch last looked
	watch   *time.Timer
}

var thePacer = pacer{event: -1}

// stuck is how long a call may take before another goroutine takes over; it may
// take twice as long, since the watch looks that often.
const stuck = 5 * time.Millisecond

// begin starts a goroutine that runs the queue.
func (p *pacer) begin() {
	if p.event < 0 {
		if fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err == nil {
			p.event = fd
		} // else there are no descriptors left: see sleep
	}
	p.leader++
	p.led = true
	go p.lead(p.leader)
	if p.watch == nil {
		p.watch = time.AfterFunc(stuck, p.look)
	} else {
		p.watch.Reset(stuck)
	}
}

// look sees to it that a call that does not return does not hold up the others.
func (p *pacer) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.led:
		return
	case p.running && p.calls == p.seen:
		p.running = false
		p.begin()
	default:
		p.watch.Reset(stuck)
	}
	p.seen = p.calls
}

// wake ends the leader's sleep.
func (p *pacer) wake() {
	if p.asleep && p.event >= 0 {
		_, _ = unix.Write(p.event, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// lead runs the queue until it is empty, or another goroutine has taken over.
func (p *pacer) lead(number uint64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The kernel may wake a thread 50 µs late to save power, unless it is told.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }() // 0 is the default
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.leader == number && len(p.queue) > 0 {
		first := p.queue[0]
		if wait := time.Until(first.at); wait > 0 {
			p.asleep = true
			p.mu.Unlock()
			p.sleep(wait)
			p.mu.Lock()
			p.asleep = false
			continue
		}
		heap.Pop(&p.queue)
		p.call(first.f, number)
	}
	if p.leader == number {
		p.led = false
		p.watch.Stop()
	}
}

// call runs f with the lock released.
func (p *pacer) call(f func(), number uint64) {
	p.calls++
	p.running = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		if p.leader == number {
			p.running = false
		}
	}()
	f()
}

// sleep returns after d, or when wake was called. Without an eventfd nobody can
// wake it, and it looks again every half millisecond.
func (p *pacer) sleep(d time.Duration) {
	if p.event < 0 {
		d = min(d, 500*time.Microsecond)
	}
	ts := unix.NsecToTimespec(int64(d))
	fds := [1]unix.PollFd{{Fd: int32(p.event), Events: unix.POLLIN}} // below 0 is ignored
	if n, err := unix.Ppoll(fds[:], &ts, nil); err == nil && n > 0 {
		var b [8]byte
		_, _ = unix.Read(p.event, b[:])
	}
}

// preciseQueue is a heap by time.
type preciseQueue []*preciseTimer

func (q preciseQueue) Len() int           { return len(q) }
func (q preciseQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q preciseQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *preciseQueue) Push(x any) {
	t := x.(*preciseTimer)
	t.index = len(*q)
	*q = append(*q, t)
}

func (q *preciseQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.index = -1
	return t
}
