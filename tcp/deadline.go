package tcp

import (
	"sync/atomic"
	"time"

	"strata/clock"
)

// deadline is a clock.Deadline that costs nothing until it is first set. The zero
// value is none.
type deadline struct {
	p atomic.Pointer[clock.Deadline]
}

func (d *deadline) expired() bool {
	p := d.p.Load()
	return p != nil && p.Expired()
}

func (d *deadline) set(loop clock.Loop, t time.Time, wake func()) {
	if d.p.Load() == nil {
		if t.IsZero() {
			return
		}
		d.p.CompareAndSwap(nil, new(clock.Deadline))
	}
	d.p.Load().Set(loop, t, wake)
}

func (d *deadline) stop() {
	if p := d.p.Load(); p != nil {
		p.Stop()
	}
}
