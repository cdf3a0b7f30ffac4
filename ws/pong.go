package ws

import (
	"context"
	"sync"
)

// pongSlot is the pong that waits to be sent. There is one: a peer that pings
// faster than it reads gets the answer to its latest ping (RFC 6455 §5.5.3).
type pongSlot struct {
	mu      sync.Mutex
	waiting bool
	n       int
	payload [maxControl]byte
}

func (s *pongSlot) put(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.n = true, copy(s.payload[:], p)
}

// take appends the payload to b and empties the slot.
func (s *pongSlot) take(b []byte) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waiting {
		return b, false
	}
	s.waiting = false
	return append(b, s.payload[:s.n]...), true
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

// unlockFrames gives the frames gate back, after the pong that waits.
func (c *Conn) unlockFrames() {
	for {
		if c.pong.isWaiting() {
			c.putPong()
		}
		c.frames.unlock()
		// One may have come between the look and the unlock, from a reader
		// that found the gate taken.
		if !c.pong.isWaiting() || !c.frames.tryLock() {
			return
		}
	}
}

// putPong sends the pong that waits. One that cannot be sent ends the
// connection, which the next operation finds. The caller has the frames gate.
func (c *Conn) putPong() {
	p, ok := c.pong.take(nil)
	if ok && !c.closeSent {
		_ = c.putControl(context.Background(), opPong, p)
	}
}

func (s *pongSlot) isWaiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}
