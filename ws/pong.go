package ws

import (
	"context"
	"sync/atomic"
)

// pongSlot is the pong that waits to be sent. There is one: a peer that pings
// faster than it reads gets the answer to its latest ping (RFC 6455 §5.5.3).
type pongSlot struct {
	payload atomic.Pointer[[]byte] // nil while none waits, which is nearly always
}

func (s *pongSlot) put(p []byte) {
	p = append([]byte(nil), p...)
	s.payload.Store(&p)
}

func (s *pongSlot) isWaiting() bool { return s.payload.Load() != nil }

// take empties the slot.
func (s *pongSlot) take() ([]byte, bool) {
	p := s.payload.Swap(nil)
	if p == nil {
		return nil, false
	}
	return *p, true
}

// answerPing sends the pong, or leaves it to who is sending now: the reader does
// not wait for writers.
func (c *Conn) answerPing(p []byte) error {
	c.pong.put(p)
	if !c.frames.tryLock() {
		return nil
	}
	c.unlockFrames()
	return c.ended()
}

// unlockFrames gives the frames gate back, after the pong that waits and what is
// to be held no longer.
func (c *Conn) unlockFrames() {
	for {
		if c.pong.isWaiting() {
			c.putPong()
		}
		if c.held.flush.Load() {
			c.held.flush.Store(false)
			_ = c.sendHeld() // an error ended the connection, which the next operation finds
		}
		c.frames.unlock()
		// One may have come between the look and the unlock, from a reader
		// that found the gate taken.
		if !c.pong.isWaiting() && !c.held.flush.Load() || !c.frames.tryLock() {
			return
		}
	}
}

// putPong sends the pong that waits. One that cannot be sent ends the
// connection, which the next operation finds. The caller has the frames gate.
func (c *Conn) putPong() {
	p, ok := c.pong.take()
	if ok && !c.closeSent {
		_ = c.putControl(context.Background(), opPong, p)
	}
}
