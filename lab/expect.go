package lab

import (
	"time"

	"strata/link"
)

// step is how closely Within looks.
const step = time.Millisecond

// Within lets time pass until cond holds, and fails the test where it does not
// within d. It looks every millisecond of the world's time.
func (w *World) Within(d time.Duration, cond func() bool) {
	w.t.Helper()
	end := w.Now().Add(d)
	for {
		w.Settle()
		if cond() {
			return
		}
		if !w.Now().Before(end) {
			w.t.Fatalf("lab: it did not happen within %v (%v after the world began)", d, w.Elapsed())
		}
		w.Sleep(min(step, end.Sub(w.Now())))
	}
}

// Delivered fails the test unless at least n packets have arrived by one
// direction of a wire since the world began, wire.AB() or wire.BA(); and says
// what became of the others. A packet is one of at most the MTU: a super-packet
// counts as many as it stands for.
func (w *World) Delivered(d *link.Direction, n uint64) {
	w.t.Helper()
	w.Settle()
	c := d.Counters()
	if c.Delivered >= n {
		return
	}
	name := "a wire of another world"
	w.mu.Lock()
	w.eachDirection(func(its string, it *link.Direction) {
		if it == d {
			name = its
		}
	})
	w.mu.Unlock()
	w.t.Fatalf("lab: %s: %d packets were to arrive, %d did: %s (%v after the world began)", name, n, c.Delivered, fates(c), w.Elapsed())
}
