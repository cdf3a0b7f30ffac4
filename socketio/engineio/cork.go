package engineio

import (
	"sync"
	"time"
)

// What waits in a corked session at most: for how many packets, how many bytes,
// and how long.
const (
	corkPackets = 64
	corkBytes   = 32 << 10
	corkTime    = time.Millisecond
)

// Cork has what is sent wait until [Session.Uncork], so that it leaves in one
// write: for who is about to send several messages and hardly waits between them.
// Where it does, what is there leaves after a millisecond nevertheless. Each Cork
// has its Uncork; the last of them counts.
func (s *Session) Cork() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corks++
}

// Uncork has what waits leave.
func (s *Session) Uncork() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.corks--; s.corks == 0 && s.held {
		s.leave()
	}
}

// hold queues messages of a corked session. The caller has mu.
func (s *Session) hold(messages []Outgoing) {
	s.queue.append(messages)
	if s.flushing {
		return // they leave with what is before them
	}
	s.held = true
	if s.queue.count >= corkPackets || s.queue.bytes >= corkBytes {
		s.leave()
		return
	}
	if !s.swept {
		s.swept = true
		s.server.sweeper.add(s)
	}
}

// sweeper lets go what corked sessions hold for too long: their owner waits for
// something. It has one timer for all of them, and none while there are none.
type sweeper struct {
	timers *timers

	mu       sync.Mutex
	timer    timer
	sessions []*Session
}

// add has s looked at in a while. The caller has s.mu.
func (w *sweeper) add(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sessions = append(w.sessions, s); len(w.sessions) == 1 {
		w.timers.set(&w.timer, time.Now().Add(corkTime))
	}
}

// sweep is called by the timers.
func (w *sweeper) sweep() {
	w.mu.Lock()
	sessions := w.sessions
	w.sessions = nil
	w.mu.Unlock()
	for _, s := range sessions {
		s.mu.Lock()
		s.swept = false
		if s.held {
			s.leave()
		}
		s.mu.Unlock()
	}
}
