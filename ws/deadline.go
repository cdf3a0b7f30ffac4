package ws

import (
	"context"
	"sync"
	"time"
)

// past is a deadline that makes whoever waits return at once.
var past = time.Unix(1, 0)

// deadline is one direction's deadline on the net.Conn. Three want a say in it:
// the context of the call that waits, the time a control frame may take, and
// the end of the closing handshake; the earliest counts.
type deadline struct {
	set func(time.Time) error // net.Conn's SetReadDeadline or SetWriteDeadline

	mu      sync.Mutex
	call    uint64 // tells a context's late callback that its call is over
	expired bool   // the context of the current call is done
	control time.Time
	closing time.Time
}

// watch lets ctx end the call that is about to wait on the connection. The call
// ends with unwatch(stop).
func (d *deadline) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return nil
	}
	d.mu.Lock()
	d.call++
	call := d.call
	d.mu.Unlock()
	return context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.call == call {
			d.expired = true
			d.apply()
		}
	})
}

// unwatch is the end of the call: a callback that comes later does nothing.
func (d *deadline) unwatch(stop func() bool) {
	if stop == nil || stop() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.call++
	if d.expired {
		d.expired = false
		d.apply()
	}
}

// setControl bounds a control frame; the zero time ends that.
func (d *deadline) setControl(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.control = t
	d.apply()
}

// setClosing bounds all that is still to come. Only the first call counts.
func (d *deadline) setClosing(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing.IsZero() {
		d.closing = t
		d.apply()
	}
}

// apply sets the earliest. A connection that cannot is a closed one, which the
// next Read or Write finds out.
func (d *deadline) apply() {
	t := d.closing
	if !d.control.IsZero() && (t.IsZero() || d.control.Before(t)) {
		t = d.control
	}
	if d.expired {
		t = past
	}
	_ = d.set(t)
}
