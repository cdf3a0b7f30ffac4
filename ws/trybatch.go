package ws

import (
	"context"
	"slices"
	"syscall"
)

// TryBatch is [Conn.Batch] for [Conn.TryWrite]: f's messages leave in one write,
// and nobody waits for it. What the socket does not take of it is kept, and sent by
// a goroutine, which the next Write waits for. What TryWrite refuses in f is the
// caller's to Write.
func (c *Conn) TryBatch(f func()) {
	if c.kernel == nil {
		f()
		return
	}
	c.startHold()
	defer c.endTry()
	f()
}

// endTry is endHold for who must not wait.
func (c *Conn) endTry() {
	c.held.depth.Add(-1)
	c.held.flush.Store(true)
	if !c.frames.tryLock() {
		return // whoever has the gate sees to it
	}
	c.held.flush.Store(false)
	if c.held.n == 0 {
		c.leaveFrames()
		return
	}
	n, err := c.writeKernel(c.held.buf[:c.held.n])
	var rest []byte
	if err == syscall.EAGAIN {
		rest = slices.Clone(c.held.buf[n:c.held.n])
	}
	largeBuffers.Put(c.held.buf)
	c.held.n, c.held.buf = 0, nil
	if rest != nil {
		c.sendLater(rest)
		return
	}
	if err != nil {
		_ = c.writeError(context.Background(), err, c.writeTimeout) // it ended the connection, which the next operation finds
	}
	c.leaveFrames()
}

// sendLater has a goroutine send the rest of what the socket took a part of. The
// caller has the frames gate, which the goroutine gives back.
func (c *Conn) sendLater(rest []byte) {
	c.unsent = &rest
	go func() {
		_ = c.sendUnsent(context.Background(), writeBound{timeout: c.writeTimeout}) // an error ended the connection
		c.unlockFrames()
	}()
}
