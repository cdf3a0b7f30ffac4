package udp

import (
	"sync/atomic"

	"strata/clock"
)

// side is one direction of a Conn: the calls that are under way there, how
// they are woken, and until when they wait.
//
// One token wakes one call. A call that ends hands it on where others are
// under way, because one event may concern several of them: gVisor tells of a
// datagram only where the queue was empty, and a deadline and Close concern
// all. No lock is held by a call that waits: in virtual time a goroutine that
// waits for a lock keeps the world from going on.
type side struct {
	calls atomic.Int32
	token chan struct{}
	by    clock.Deadline
	due   func() // wake, for by; here so that it is not allocated a deadline
}

func (s *side) init() {
	s.token = make(chan struct{}, 1)
	s.due = s.wake
}

func (s *side) enter() { s.calls.Add(1) }

func (s *side) leave() {
	if s.calls.Add(-1) > 0 {
		s.wake()
	}
}

// wake makes one of the calls look again. It never waits.
func (s *side) wake() {
	select {
	case s.token <- struct{}{}:
	default: // one is there already, and it is enough
	}
}
