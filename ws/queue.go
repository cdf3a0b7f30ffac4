package ws

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Policy is what a [Queue] does with a message for which there is no room.
type Policy int

const (
	// Wait has Send wait for room.
	Wait Policy = iota
	// DropOldest drops the oldest messages of the same class that wait; where
	// that does not make room, the new one.
	DropOldest
	// CloseSlow fails the connection, with StatusPolicyViolation.
	CloseSlow
)

// QueueOptions are the bounds of a [Queue]. The zero value works.
type QueueOptions struct {
	Messages int // that wait at most; 0: 256
	Bytes    int // that their payloads have together at most; 0: 1 MiB
	Policy   Policy
}

const (
	defaultQueueMessages = 256
	defaultQueueBytes    = 1 << 20
)

// Queue sends messages of a connection in the order in which they were given to
// it, without its callers waiting for the peer. There is a goroutine only while
// messages wait.
type Queue struct {
	c    *Conn
	opts QueueOptions

	mu      sync.Mutex
	waiting []queued
	bytes   int
	sending bool          // a goroutine is at work
	room    chan struct{} // closed when there is more room; nil: nobody waits for it
	dropped uint64
}

type queued struct {
	typ   MessageType
	p     []byte
	class int
}

// ErrDropped is the error of a Send whose message had no room.
var ErrDropped = errors.New("ws: queue: no room for the message")

// NewQueue is a queue of c's.
func NewQueue(c *Conn, opts QueueOptions) *Queue {
	if opts.Messages <= 0 {
		opts.Messages = defaultQueueMessages
	}
	if opts.Bytes <= 0 {
		opts.Bytes = defaultQueueBytes
	}
	return &Queue{c: c, opts: opts}
}

// Send queues a message; p must not be changed any more. class is what DropOldest
// goes by: a newer position takes the place of an older one, and never of a
// chat message. ctx is for Wait. The error is ErrDropped where the message itself
// had no room, and net.ErrClosed after the connection was closed or has ended.
func (q *Queue) Send(ctx context.Context, typ MessageType, p []byte, class int) error {
	if err := typ.check(); err != nil {
		return err
	}
	for {
		room, err := q.put(queued{typ, p, class})
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("ws: queue: %w", ctx.Err())
		case <-q.c.whenEnded():
			return fmt.Errorf("ws: queue: %w", alreadyClosed(q.c.ended()))
		}
	}
}

// Waiting is how many messages wait, and how many bytes they have.
func (q *Queue) Waiting() (messages, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), q.bytes
}

// Dropped is how many messages were dropped.
func (q *Queue) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// put queues m, or says what to wait for.
func (q *Queue) put(m queued) (room chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.c.ended(); err != nil {
		return nil, fmt.Errorf("ws: queue: %w", alreadyClosed(err))
	}
	if q.c.closing.Load() {
		return nil, fmt.Errorf("ws: queue: %w", q.c.closedError())
	}
	if !q.fits(m) {
		switch q.opts.Policy {
		case CloseSlow:
			err := violation(StatusPolicyViolation, "the peer does not read: %d messages, %d bytes wait", len(q.waiting), q.bytes)
			go q.c.closeSlow(err)
			return nil, fmt.Errorf("ws: queue: %w", err)
		case DropOldest:
			q.drop(m)
		default:
			if q.room == nil {
				q.room = make(chan struct{})
			}
			return q.room, nil
		}
		if !q.fits(m) {
			q.dropped++
			return nil, ErrDropped
		}
	}
	q.waiting = append(q.waiting, m)
	q.bytes += len(m.p)
	if !q.sending {
		q.sending = true
		go q.send()
	}
	return nil, nil
}

// fits reports whether there is room for m. One message has always room, however
// large.
func (q *Queue) fits(m queued) bool {
	return len(q.waiting) == 0 || len(q.waiting) < q.opts.Messages && q.bytes+len(m.p) <= q.opts.Bytes
}

// drop drops the oldest of m's class until m fits.
func (q *Queue) drop(m queued) {
	kept := q.waiting[:0]
	for i, w := range q.waiting {
		if w.class == m.class && (len(kept)+len(q.waiting)-i >= q.opts.Messages || q.bytes+len(m.p) > q.opts.Bytes) {
			q.bytes -= len(w.p)
			q.dropped++
			continue
		}
		kept = append(kept, w)
	}
	clear(q.waiting[len(kept):])
	q.waiting = kept
}

// send sends what waits, until nothing does.
func (q *Queue) send() {
	for {
		batch, ok := q.take()
		if !ok {
			return
		}
		err := q.c.Batch(func() error {
			for _, m := range batch {
				if err := q.c.Write(context.Background(), m.typ, m.p); err != nil {
					return err
				}
			}
			return nil
		})
		clear(batch) // more may wait in the same array
		if err != nil {
			q.c.giveUp(err) // whoever sends or reads finds it
		}
	}
}

// take takes some of what waits: little enough that dropping remains worth it.
func (q *Queue) take() ([]queued, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 || q.c.ended() != nil {
		q.sending, q.waiting, q.bytes = false, nil, 0
		q.wake()
		return nil, false
	}
	n, size := 0, 0
	for n < len(q.waiting) && (n == 0 || size+len(q.waiting[n].p) <= smallBuffer) {
		size += len(q.waiting[n].p)
		n++
	}
	batch := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	q.bytes -= size
	q.wake()
	return batch, true
}

func (q *Queue) wake() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// closeSlow ends the connection to a peer that does not read. It is told why
// where that can still be sent.
func (c *Conn) closeSlow(why *ProtocolError) {
	c.decide(why)
	if payload, err := closePayload(why.Code, why.Reason); err == nil && c.frames.tryLock() {
		_ = c.putControl(context.Background(), opClose, payload)
		c.unlockFrames()
	}
	c.end(why)
}
