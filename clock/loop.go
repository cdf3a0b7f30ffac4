package clock

import "time"

// Loop tells the time and runs what is due. All methods may be called from
// any goroutine.
type Loop interface {
	// Now is the present on this loop. Two readings may be subtracted.
	Now() time.Time

	// At runs f at t, or as soon as possible where t has passed; never
	// before At has returned to its caller's goroutine, and never on it.
	// In virtual time calls for the same instant run in the order of the
	// calls to At (or Reset), one at a time. In real time each f runs on a
	// goroutine of its own, and no order is promised.
	At(t time.Time, f func()) Timer

	// Touch says that s has work to drain: a packet was handed to it, a
	// timer of it fired, or somebody read from it, wrote to it or is about
	// to wait for it. In virtual time the loop calls s.Settle before it
	// goes on to the next event; in real time nothing has to be done.
	Touch(s Settler)
}

// Waker is a [Loop] that says when goroutines that wait may go on: in virtual
// time one after the other, each when the one before has come to rest, so that
// which is first is not the scheduler's to choose.
type Waker interface {
	// Wake runs f, which lets one goroutine go on and does not wait itself.
	Wake(f func())
}

// Wake runs f by way of loop where it is a [Waker], else at once.
func Wake(loop Loop, f func()) {
	if w, ok := loop.(Waker); ok {
		w.Wake(f)
		return
	}
	f()
}

// Stopwatch is a [Loop] that measures the time since an instant by itself, for
// less than the two readings cost whose difference it is.
type Stopwatch interface {
	// Since is Now less t.
	Since(t time.Time) time.Duration
}

// Since is loop's Now less t, by way of loop where it is a [Stopwatch].
func Since(loop Loop, t time.Time) time.Duration {
	if w, ok := loop.(Stopwatch); ok {
		return w.Since(t)
	}
	return loop.Now().Sub(t)
}

// Timer is one call that was asked for with [Loop.At].
type Timer interface {
	// Stop keeps the call from happening. It reports whether it did; false
	// means that the call was already made (or begun), or stopped.
	Stop() bool

	// Reset moves the call to t, also after it was made or stopped.
	Reset(t time.Time)
}

// Settler is what can be asked to finish the work it has: a host.
type Settler interface {
	// Settle returns when no work is left that needs no time to pass.
	Settle()
}
