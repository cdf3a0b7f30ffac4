package lab

import (
	"time"
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
