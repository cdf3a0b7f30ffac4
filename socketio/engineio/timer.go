package engineio

import "time"

// Timer is something that a session's owner has done later, on the server's one
// wheel. The zero value is not set.
type Timer struct{ timer timer }

// Start has f called, on a goroutine of its own, after d. It may be called once.
func (t *Timer) Start(s *Session, d time.Duration, f func()) {
	t.timer.expired = func() { go f() }
	s.server.timers.set(&t.timer, time.Now().Add(d))
}

// Stop has it not called; what has begun is not stopped.
func (t *Timer) Stop(s *Session) { s.server.timers.stop(&t.timer) }
