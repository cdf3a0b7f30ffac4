package dispatch

import (
	"fmt"
	"runtime/debug"
	"sync"

	"strata/socketio/engineio"
)

// What waits in a mailbox at most, besides what is being handled.
const (
	maxJobs  = 256
	maxBytes = 4 << 20
)

// Mailbox has jobs done in order, one at a time, on a goroutine that exists only
// while there are any: the one that brought the first of them, where that has
// nothing else to do. The zero value is ready, once Panicked is set.
type Mailbox struct {
	// Panicked is told of a job that panicked, or left its goroutine; the
	// next job is done nevertheless.
	Panicked func(v any, stack []byte)

	// Corks is told before several jobs are done at once, and after them; nil:
	// nobody is.
	Corks Corker

	mu      sync.Mutex
	room    *sync.Cond // made when somebody first waits
	last    Job        // of those that wait, which are a ring; nil: none
	count   int
	bytes   int
	running bool
	closed  bool
	refuses bool
}

// Corker holds back what is sent from Cork to Uncork: an [engineio.Session].
type Corker interface {
	Cork()
	Uncork()
}

// Job is something to be done. It embeds a [Queued], and waits in one mailbox, once.
type Job interface {
	Do()
	queued() *Queued
}

// Queued is a job's place in a mailbox, so that none has to be made for it.
type Queued struct {
	next Job
	size int
}

func (q *Queued) queued() *Queued { return q }

// funcJob is a function as a job.
type funcJob struct {
	Queued
	do func()
}

func (j *funcJob) Do() { j.do() }

// Put has do called, as [Mailbox.Queue] has a job done.
func (m *Mailbox) Put(size int, turn engineio.Turn, do func()) bool {
	return m.Queue(size, turn, &funcJob{do: do})
}

// Queue has j done, after all that was put before. size is how much memory
// waits with it, bytes: where too much does, Queue waits, and so whoever reads
// from the network. turn is that of the message that brought the job; the zero
// value where none did. It reports false after Close, and while the mailbox
// refuses.
func (m *Mailbox) Queue(size int, turn engineio.Turn, j Job) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full(size) {
		m.mu.Unlock()
		turn.Waits()
		m.mu.Lock()
	}
	for m.full(size) {
		if m.room == nil {
			m.room = sync.NewCond(&m.mu)
		}
		m.room.Wait()
	}
	if m.closed || m.refuses {
		return false
	}
	m.add(size, turn, j)
	return true
}

// full reports whether a job has to wait for room. The caller has mu.
func (m *Mailbox) full(size int) bool {
	return !m.closed && !m.refuses && m.count > 0 && (m.count >= maxJobs || m.bytes+size > maxBytes)
}

// PutNow is Put that never waits, and is not refused: for what is not the peer's
// to send.
func (m *Mailbox) PutNow(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.add(0, engineio.Turn{}, &funcJob{do: do})
	}
}

// Refuse has Put take nothing, and lets go who waits in it; or has it take again.
// What is there already is done.
func (m *Mailbox) Refuse(refuse bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuses = refuse
	if m.room != nil {
		m.room.Broadcast()
	}
}

// Close has last called as the last job; with drop, what waits is forgotten.
// Who waits in Put is let go. A second Close does nothing.
func (m *Mailbox) Close(drop bool, last func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	if drop {
		m.last, m.count, m.bytes = nil, 0, 0
	}
	if m.room != nil {
		m.room.Broadcast()
	}
	m.add(0, engineio.Turn{}, &funcJob{do: last})
}

// add queues a job. The caller has mu.
func (m *Mailbox) add(size int, turn engineio.Turn, j Job) {
	q := j.queued()
	q.next, q.size = j, size
	if m.last != nil {
		before := m.last.queued()
		q.next, before.next = before.next, j
	}
	m.last = j
	m.count++
	m.bytes += size
	if !m.running {
		m.running = true
		if !turn.Later(m.run) {
			go m.start()
		}
	}
}

// take is the first job. The caller has mu, and there is one.
func (m *Mailbox) take() Job {
	last := m.last.queued()
	j := last.next
	q := j.queued()
	if q == last {
		m.last = nil
	} else {
		last.next = q.next
	}
	q.next = nil
	m.count--
	m.bytes -= q.size
	return j
}

// makeRoom grows a new goroutine's stack once, while there is little on it to be
// copied: a handler and what decodes its arguments would grow it step by step,
// which takes longer than a small one's work.
//
//go:noinline
func makeRoom(i int) byte {
	var room [6 << 10]byte
	return room[i]
}

// start is run for a new goroutine.
func (m *Mailbox) start() {
	makeRoom(0)
	m.run()
}

func (m *Mailbox) run() {
	done, corked := false, false
	defer func() {
		if corked {
			m.Corks.Uncork()
		}
		if !done { // a job called runtime.Goexit, as a test's FailNow does
			go m.start()
		}
	}()
	for {
		m.mu.Lock()
		waiting := m.count
		if corked && waiting == 0 {
			m.mu.Unlock()
			m.Corks.Uncork()
			corked = false
			continue
		}
		if waiting == 0 {
			m.running = false
			m.mu.Unlock()
			done = true
			return
		}
		j := m.take()
		if m.room != nil {
			m.room.Broadcast()
		}
		m.mu.Unlock()
		if !corked && waiting > 1 && m.Corks != nil {
			m.Corks.Cork()
			corked = true
		}
		m.do(j)
	}
}

func (m *Mailbox) do(j Job) {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			m.Panicked(v, debug.Stack())
		} else if !returned {
			m.Panicked(fmt.Errorf("runtime.Goexit was called"), debug.Stack())
		}
	}()
	j.Do()
	returned = true
}
