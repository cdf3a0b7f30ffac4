package inspect

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"strata/trace"
)

const (
	kept      = 8192 // events that are kept
	perTurn   = 1000 // events that are taken in a turn; what is beyond is counted
	turn      = 100 * time.Millisecond
	watched   = 20 * time.Second // how long a request has events kept
	maxOpened = 16_384           // beginnings of connections that are remembered, three each at most
)

// Recorder keeps the last events while somebody looks. Give it to the hosts (with
// stack.Config.Detail), wires and floors above that are inspected.
type Recorder struct {
	follower
	full    atomic.Int64  // nothing more is taken until then, Unix nanoseconds
	leftOut atomic.Uint64 // what was not taken

	mu     sync.Mutex
	opened map[opening]trace.Event

	ring   []trace.Event // event n is at (n-base) % kept
	base   uint64
	next   uint64        // the next event's number
	oldest uint64        // the first that is still there
	whole  uint64        // the first of those behind which none is missing
	began  time.Time     // of the turn
	taken  int           // in this turn
	more   chan struct{} // closed with the next event; nil where nobody waits

	until  time.Time // when nobody looks any more
	sleep  *time.Timer
	closed bool
}

// opening is how a direction of a connection began: by a SYN or SYN-ACK, or with
// a TLS handshake.
type opening struct {
	sender trace.Flow
	kind   string
}

var _ trace.Selective = (*Recorder)(nil)

// Interest is in all of the connections that are followed, while somebody looks,
// and else in beginnings.
func (r *Recorder) Interest(flow trace.Flow) trace.Interest {
	if r.follows(flow) {
		return trace.Details
	}
	return trace.Beginnings
}

// NewRecorder makes a Recorder. It has no goroutine, and a timer only while
// somebody looks.
func NewRecorder() *Recorder {
	return &Recorder{opened: map[opening]trace.Event{}, follower: follower{seed: rand.Uint64()}}
}

// Record keeps e if somebody looks, and its connection is followed. Otherwise it
// remembers no more than how connections began: without that, what comes later has
// no place in the stream.
func (r *Recorder) Record(e trace.Event) {
	opens := false
	switch what := e.What.(type) {
	case trace.Segment:
		opens = what.Flags&trace.SYN != 0
	case trace.TLS:
		opens = true
	}
	if !opens {
		if !r.follows(e.Flow) {
			return
		}
		// The event's own time: another look at the clock would cost as much as all
		// else here. Nor is there a lock for what a flood leaves behind.
		if full := r.full.Load(); full != 0 && e.At.UnixNano() < full {
			r.leftOut.Add(1)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if opens {
		r.remember(e)
	}
	if r.follows(e.Flow) { // perhaps no more: it was asked without the lock
		r.keep(e)
	}
}

func (r *Recorder) remember(e trace.Event) {
	o := opening{sender(e), e.What.Kind()}
	known, again := r.opened[o]
	if again && sameBeginning(known, e) {
		return // sent again, or received: its sender's first word is what counts
	}
	if !again && len(r.opened) >= maxOpened {
		for any := range r.opened { // whichever comes first: a map has no older and newer
			delete(r.opened, any)
			break
		}
	}
	r.opened[o] = e
}

// sameBeginning says whether two events are of one connection's SYN or SYN-ACK.
func sameBeginning(a, b trace.Event) bool {
	was, ok := a.What.(trace.Segment)
	is, ok2 := b.What.(trace.Segment)
	return ok && ok2 && was.Seq == is.Seq
}

func (r *Recorder) keep(e trace.Event) {
	if e.At.Sub(r.began) >= turn {
		r.newTurn(int(e.At.Sub(r.began)/turn), r.taken)
		r.began, r.taken = e.At, 0
	}
	if r.taken == perTurn {
		r.full.Store(r.began.Add(turn).UnixNano())
		r.leftOut.Add(1)
		r.whole = r.next // all that is left out from now on lies before the next
		return
	}
	r.taken++
	if len(r.ring) < kept {
		r.ring = append(r.ring, e)
	} else {
		r.ring[(r.next-r.base)%kept] = e
	}
	r.next++
	r.oldest = r.next - uint64(len(r.ring))
	r.count(r.hash(e.Flow), r.taken, e.At.Sub(r.began), r.next)
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
}

// watch has events kept for a while, beginning now.
func (r *Recorder) watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.until = time.Now().Add(watched)
	if r.bound.Load() != 0 {
		return
	}
	// The numbers go on; what they were of is gone.
	r.base, r.oldest, r.whole = r.next, r.next, r.next
	r.began, r.taken = time.Time{}, 0
	r.full.Store(0)
	r.begin()
	r.sleep = time.AfterFunc(watched, r.doze)
}

// doze lets go of everything when nobody has looked for a while.
func (r *Recorder) doze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if left := time.Until(r.until); left > 0 {
		r.sleep.Reset(left)
		return
	}
	r.end()
	r.ring, r.oldest = nil, r.next
}

// close ends watching for good.
func (r *Recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.end()
	r.ring, r.oldest = nil, r.next
	if r.sleep != nil {
		r.sleep.Stop()
	}
}

// numbered is an event with its number.
type numbered struct {
	number uint64
	trace.Event
}

// newest gives the last of the events from number n on that are wanted, at most so
// many, and the number to go on from. lost are those from n on that are gone, or
// wanted and not given.
func (r *Recorder) newest(n uint64, most int, wanted func(trace.Event) bool) (events []numbered, next, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, lost = r.from(n)
	for at := r.next; at > n; at-- {
		switch e := r.ring[(at-1-r.base)%kept]; {
		case !wanted(e):
		case len(events) < most:
			events = append(events, numbered{at - 1, e})
		default:
			lost++
		}
	}
	slices.Reverse(events)
	return events, r.next, lost
}

// since gives the events from number n on that are wanted, at most so many, and
// the number to go on from. lost are those from n on that are gone.
func (r *Recorder) since(n uint64, most int, wanted func(trace.Event) bool) (events []numbered, next, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, lost = r.from(n)
	for ; n < r.next && len(events) < most; n++ {
		if e := r.ring[(n-r.base)%kept]; wanted(e) {
			events = append(events, numbered{n, e})
		}
	}
	return events, n, lost
}

// from is the first event from number n on that is there, and how many are gone.
// The caller has mu.
func (r *Recorder) from(n uint64) (first, lost uint64) {
	switch {
	case n > r.next: // of an earlier run
		return r.next, 0
	case n >= r.oldest:
		return n, 0
	case n == 0: // one begins with what there is
		return r.oldest, 0
	}
	return r.oldest, r.oldest - n
}

// wait returns when there is an event from number n on, or ctx ends.
func (r *Recorder) wait(ctx context.Context, n uint64) {
	r.mu.Lock()
	if r.next > n || r.closed {
		r.mu.Unlock()
		return
	}
	if r.more == nil {
		r.more = make(chan struct{})
	}
	more := r.more
	r.mu.Unlock()
	select {
	case <-more:
	case <-ctx.Done():
	}
}

// recording is what is kept behind the last gap of the connections that are
// followed, and how all began.
func (r *Recorder) recording() (opened, events []trace.Event, next uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin := max(r.oldest, r.whole)
	events = make([]trace.Event, 0, r.next-begin)
	for n := begin; n < r.next; n++ {
		events = append(events, r.ring[(n-r.base)%kept])
	}
	events = r.gapless(events, begin)
	for _, e := range r.opened {
		opened = append(opened, e)
	}
	return opened, events, r.next
}
