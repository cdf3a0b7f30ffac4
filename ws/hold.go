package ws

import (
	"context"
	"fmt"
	"sync/atomic"
)

// holder holds frames back, so that many leave in one write: while a Batch or a
// Handler's callbacks run, and nobody waits for the peer.
type holder struct {
	depth   atomic.Int32 // of Batches and callbacks that run
	waiting atomic.Bool  // somebody reads, and may wait for the answer to what is held
	flush   atomic.Bool  // what is held is to leave; whoever has the frames gate sees to it

	// Under the frames gate.
	n   int32              // bytes of buf that are held
	buf *[largeBuffer]byte // from the pool; nil: nothing is held
}

// Batch runs f, and holds back what is written meanwhile, by whomever, so that it
// leaves in as few writes as it fits in: when f returns, when 64 KiB are held, or
// when a Read is about to wait for the peer, whose next message may be the answer.
// A Read in f that finds its message already there holds on. A Write returns when
// its message is held; that it could not be sent is said by Batch, or by a later
// call. f's own error comes first.
func (c *Conn) Batch(f func() error) error {
	c.startHold()
	err := func() error {
		defer c.endHold()
		return f()
	}()
	if err != nil {
		return err
	}
	if why := c.ended(); why != nil {
		return fmt.Errorf("ws: batch: %w", alreadyClosed(why))
	}
	return nil
}

func (c *Conn) startHold() { c.held.depth.Add(1) }

func (c *Conn) endHold() {
	c.held.depth.Add(-1)
	c.flushHeld()
}

// startWait is called by a reader that is about to wait for the peer: what is
// held leaves, and until endWait nothing is held.
func (c *Conn) startWait() {
	if c.held.depth.Load() > 0 {
		c.held.waiting.Store(true)
		c.flushHeld()
	}
}

func (c *Conn) endWait() {
	if c.held.waiting.Load() {
		c.held.waiting.Store(false)
	}
}

// flushHeld sends what is held, or leaves that to who has the frames gate: a
// reader does not wait for writers.
func (c *Conn) flushHeld() {
	c.held.flush.Store(true)
	if c.frames.tryLock() {
		c.unlockFrames()
	}
}

// holds reports whether frames are held back now. The caller has the frames gate.
func (c *Conn) holds() bool { return c.held.depth.Load() > 0 && !c.held.waiting.Load() }

// hold puts a frame behind those that are held. It reports false for one that is
// larger than all there is; what was held before is sent then. The caller has the
// frames gate.
func (c *Conn) hold(h *header, p []byte) (bool, error) {
	if int(c.held.n)+maxHeader+len(p) > largeBuffer {
		if err := c.sendHeld(); err != nil {
			return false, err
		}
		if maxHeader+len(p) > largeBuffer {
			return false, nil
		}
	}
	if c.held.buf == nil {
		c.held.buf = largeBuffers.Get().(*[largeBuffer]byte)
	}
	buf := c.held.buf
	n := len(appendHeader(buf[:c.held.n], *h))
	c.held.n = int32(n + c.encode(buf[n:], p, h))
	return true, nil
}

// holdResponse puts a handshake's response, of 64 KiB at most, before the first
// frame. Nobody else has the connection yet.
func (c *Conn) holdResponse(response []byte) {
	c.held.buf = largeBuffers.Get().(*[largeBuffer]byte)
	c.held.n = int32(copy(c.held.buf[:], response))
}

// sendHeld sends what is held. The caller has the frames gate.
func (c *Conn) sendHeld() error {
	if c.held.n == 0 {
		return nil
	}
	timeout := c.writeTimeout
	if timeout == 0 {
		timeout = defaultHoldTimeout
	}
	w := frameWrite{c: c, ctx: context.Background(), bound: writeBound{timeout: timeout}}
	_, err := w.write(c.held.buf[:c.held.n])
	w.end()
	largeBuffers.Put(c.held.buf)
	c.held.n, c.held.buf = 0, nil
	if err != nil {
		return c.writeError(context.Background(), err, timeout)
	}
	return nil
}
