package clock

import (
	"sync"
	"time"
)

// Real is the loop of real time: the operating system's clock and Go's timers.
func Real() Loop { return realLoop{} }

type realLoop struct{}

var _ Stopwatch = realLoop{}

func (realLoop) Now() time.Time { return time.Now() }

// Since reads the monotonic clock only, where Now reads the wall's too.
func (realLoop) Since(t time.Time) time.Duration { return time.Since(t) }

func (realLoop) At(t time.Time, f func()) Timer {
	if d := time.Until(t); d > 0 {
		return realTimer{time.AfterFunc(d, f)}
	}
	// What is due at once need not wait its turn in the heap of timers.
	go f()
	return &startedTimer{f: f}
}

func (realLoop) Touch(Settler) {}

type realTimer struct{ t *time.Timer }

func (t realTimer) Stop() bool         { return t.t.Stop() }
func (t realTimer) Reset(at time.Time) { t.t.Reset(time.Until(at)) }

// startedTimer is the timer of a call that was due when it was asked for. It
// becomes a timer of the runtime's only if somebody resets it.
type startedTimer struct {
	f  func()
	mu sync.Mutex
	t  *time.Timer
}

func (s *startedTimer) Stop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.t != nil && s.t.Stop()
}

func (s *startedTimer) Reset(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.t == nil {
		s.t = time.AfterFunc(time.Until(at), s.f)
		return
	}
	s.t.Reset(time.Until(at))
}
