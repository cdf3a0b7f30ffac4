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
	jobs    []job
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

type job struct {
	do   func()
	size int
}

// Put has do called, after all that was put before. size is how much memory
// waits with it, bytes: where too much does, Put waits, and so whoever reads
// from the network. turn is that of the message that brought the job; the zero
// value where none did. It reports false after Close, and while the mailbox
// refuses.
func (m *Mailbox) Put(size int, turn engineio.Turn, do func()) bool {
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
	m.add(job{do, size}, turn)
	return true
}

// full reports whether a job has to wait for room. The caller has mu.
func (m *Mailbox) full(size int) bool {
	return !m.closed && !m.refuses && len(m.jobs) > 0 && (len(m.jobs) >= maxJobs || m.bytes+size > maxBytes)
}

// PutNow is Put that never waits, and is not refused: for what is not the peer's
// to send.
func (m *Mailbox) PutNow(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.add(job{do: do}, engineio.Turn{})
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
		clear(m.jobs)
		m.jobs, m.bytes = m.jobs[:0], 0
	}
	if m.room != nil {
		m.room.Broadcast()
	}
	m.add(job{do: last}, engineio.Turn{})
}

func (m *Mailbox) add(j job, turn engineio.Turn) {
	m.jobs = append(m.jobs, j)
	m.bytes += j.size
	if !m.running {
		m.running = true
		if !turn.Later(m.run) {
			go m.start()
		}
	}
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
		waiting := len(m.jobs)
		if corked && waiting == 0 {
			m.mu.Unlock()
			m.Corks.Uncork()
			corked = false
			continue
		}
		if waiting == 0 {
			m.jobs, m.running = nil, false // an idle mailbox holds nothing
			m.mu.Unlock()
			done = true
			return
		}
		j := m.jobs[0]
		m.jobs[0] = job{}
		m.jobs = m.jobs[1:]
		m.bytes -= j.size
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

func (m *Mailbox) do(j job) {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			m.Panicked(v, debug.Stack())
		} else if !returned {
			m.Panicked(fmt.Errorf("runtime.Goexit was called"), debug.Stack())
		}
	}()
	j.do()
	returned = true
}
