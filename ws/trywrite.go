package ws

import (
	"context"
	"slices"
	"syscall"
)

// TryWrite is [Conn.Write] that never waits, for the frequent case that nothing
// is in the way. It reports false, and nothing was sent, where it would have to
// wait: somebody else is writing, or the socket's buffer is full. It also does
// so where it cannot tell: below is no TCP of the kernel's, or the message would
// be compressed. A Write says then how it is.
//
// Of a message of which the socket takes only a part the rest is kept, and sent by
// a goroutine, which the next Write waits for.
func (c *Conn) TryWrite(typ MessageType, p []byte) (bool, error) {
	if err := typ.check(); err != nil {
		return false, err
	}
	return c.tryMessage(typ, p, nil)
}

// TryWritePrepared is [Conn.TryWrite] of a prepared message.
func (c *Conn) TryWritePrepared(m *PreparedMessage) (bool, error) {
	return c.tryMessage(m.typ, m.payload, m.frame)
}

// tryMessage sends p, of which whole is the frame; nil: there is none yet.
func (c *Conn) tryMessage(typ MessageType, p, whole []byte) (bool, error) {
	compressed := c.deflate != nil && len(p) >= c.deflate.threshold && !typ.uncompressed()
	if c.kernel == nil || c.client || compressed || c.tracer.awake() || !c.writing.tryLock() {
		return false, nil
	}
	defer c.writing.unlock()
	if !c.frames.tryLock() {
		return false, nil
	}
	h := header{fin: true, opcode: typ.opcode(), length: int64(len(p))}
	switch {
	case c.over.Load() || c.closeSent || c.unsent != nil:
	case c.holds():
		if int(c.held.n)+maxHeader+len(p) > largeBuffer {
			break
		}
		held, err := c.hold(&h, p)
		c.leaveFrames()
		return held, err
	case c.held.n == 0:
		return c.tryFrame(h, p, whole)
	}
	c.leaveFrames()
	return false, nil
}

// tryFrame sends a frame. The caller has the frames gate, which it gives back.
func (c *Conn) tryFrame(h header, p, whole []byte) (bool, error) {
	if whole == nil {
		mem := newFrameBuffer(len(p))
		defer mem.put()
		buf := mem.bytes()
		if len(buf) < maxHeader+len(p) {
			c.leaveFrames() // it would take more than one write
			return false, nil
		}
		var head [maxHeader]byte
		header := appendHeader(head[:0], h)
		start := maxHeader - len(header)
		copy(buf[start:], header)
		copy(buf[maxHeader:], p)
		whole = buf[start : maxHeader+len(p)]
	}
	n, err := c.writeKernel(whole)
	switch {
	case err == syscall.EAGAIN && n > 0:
		c.sendLater(slices.Clone(whole[n:]))
		return true, nil
	case err == syscall.EAGAIN:
		c.leaveFrames()
		return false, nil
	case err != nil:
		err = c.writeError(context.Background(), err, c.writeTimeout)
	}
	c.leaveFrames()
	return err == nil, err
}

// leaveFrames is unlockFrames for who must not wait.
func (c *Conn) leaveFrames() {
	if !c.toSend() {
		c.frames.unlock()
		if !c.toSend() || !c.frames.tryLock() {
			return
		}
	}
	go c.unlockFrames()
}

// toSend reports whether something is left to who has the frames gate.
func (c *Conn) toSend() bool { return c.pong.isWaiting() || c.held.flush.Load() }
