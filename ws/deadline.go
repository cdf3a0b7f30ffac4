package ws

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// past is a deadline that makes whoever waits return at once.
var past = time.Unix(1, 0)

// deadline is one direction's deadline on the net.Conn. Three want a say in it:
// the context of the call that waits, the time that a frame may take, and the end
// of the closing handshake; the earliest counts.
type deadline struct {
	set func(t time.Time) error // of the net.Conn

	mu      sync.Mutex
	expired bool   // the context of the current call is done
	call    uint32 // tells a context's late callback that its call is over
	frame   time.Time
	closing time.Time
	bounded atomic.Bool // frame is not zero
}

// readBy is the deadline of reads.
func (c *Conn) readBy() *deadline {
	if d := c.readDeadline.Load(); d != nil {
		return d
	}
	c.readDeadline.CompareAndSwap(nil, &deadline{set: c.conn.SetReadDeadline})
	return c.readDeadline.Load()
}

// writeBy is the deadline of writes.
func (c *Conn) writeBy() *deadline {
	if d := c.writeDeadline.Load(); d != nil {
		return d
	}
	c.writeDeadline.CompareAndSwap(nil, &deadline{set: c.conn.SetWriteDeadline})
	return c.writeDeadline.Load()
}

// watchRead is watch for a read, which nearly always has no context that ends.
func (c *Conn) watchRead(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return nil
	}
	return c.readBy().watch(ctx)
}

// unwatchRead is its end.
func (c *Conn) unwatchRead(stop func() bool) {
	if stop != nil {
		c.readBy().unwatch(stop)
	}
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

// noFrame ends what setFrame and allowFrame began.
func (d *deadline) noFrame() {
	if d.bounded.Load() {
		d.setFrame(never)
	}
}

// setFrame bounds the writing of a frame; the zero time ends that.
func (d *deadline) setFrame(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frame = t
	d.bounded.Store(!t.IsZero())
	d.apply()
}

// allowFrame is setFrame for many frames: the connection is told again only when
// half the time is over.
func (d *deadline) allowFrame(now time.Time, timeout time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frame.Sub(now) < timeout/2 {
		d.frame = now.Add(timeout)
		d.bounded.Store(true)
		d.apply()
	}
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
	if !d.frame.IsZero() && (t.IsZero() || d.frame.Before(t)) {
		t = d.frame
	}
	if d.expired {
		t = past
	}
	_ = d.set(t)
}
