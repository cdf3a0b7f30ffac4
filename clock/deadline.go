package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Deadline is a moment on a loop after which a waiting call gives up: what
// net.Conn's SetReadDeadline sets. The zero value is no deadline. It may be
// used from any goroutine.
type Deadline struct {
	expired atomic.Bool

	mu    sync.Mutex
	at    time.Time // zero: none
	timer Timer     // nil until the first deadline in the future
}

// Expired reports whether the deadline has passed.
func (d *Deadline) Expired() bool { return d.expired.Load() }

// Set moves the deadline to t; the zero t takes it away. When it passes, also
// at once, wake is called, so that who waits looks again. One Deadline must
// always be given the same loop, and a wake that does the same.
func (d *Deadline) Set(loop Loop, t time.Time, wake func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	if !t.IsZero() && !t.After(loop.Now()) {
		d.stop()
		d.expired.Store(true)
		wake()
		return
	}
	d.expired.Store(false)
	switch {
	case t.IsZero():
		d.stop()
	case d.timer != nil:
		d.timer.Reset(t)
	default:
		d.timer = loop.At(t, func() { d.fire(loop, wake) })
	}
}

// Stop ends the deadline's timer, for when nobody will wait any more.
func (d *Deadline) Stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = time.Time{}
	d.stop()
}

func (d *Deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (d *Deadline) fire(loop Loop, wake func()) {
	d.mu.Lock()
	// The deadline may have been moved or taken away while this call was on
	// its way. Or the wall clock was set back meanwhile, and the deadline has
	// no monotonic reading: then this was the only call there is.
	due := !d.at.IsZero() && !d.at.After(loop.Now())
	switch {
	case due:
		d.expired.Store(true)
	case !d.at.IsZero():
		d.timer.Reset(d.at)
	}
	d.mu.Unlock()
	if due {
		wake()
	}
}
