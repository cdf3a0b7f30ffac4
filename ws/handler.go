package ws

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Readiness is what a connection offers that can be held without a goroutine and
// without a buffer while nothing arrives. Where a net.Conn has these methods,
// [Conn.Handle] uses them.
type Readiness interface {
	// TryRead is a Read that does not wait: where nothing has come the error
	// is syscall.EAGAIN.
	TryRead([]byte) (int, error)

	// OnReadable has f called once when there is something to read: bytes,
	// the end of the stream, an error; at once where there already is
	// something. Another goroutine calls f, at any time, also before
	// OnReadable has returned, and with no lock held: f reads, waits, and
	// calls OnReadable again. OnReadable must not call f itself: what comes
	// would be handled on top of what came before, ever deeper, and what
	// [Conn.Later] was given would wait for all of it.
	OnReadable(f func())
}

// Handler is what is called for a connection's events, one after the other and
// never two at a time. Fields that are nil are not called.
//
// What is written while callbacks run is held until all that was in the read
// buffer is handled, and leaves in one write: see [Conn.Batch].
type Handler struct {
	// OnOpen is called before anything else.
	OnOpen func(c *Conn)

	// OnMessage is called with each message. p is valid until it returns.
	OnMessage func(c *Conn, typ MessageType, p []byte)

	// OnPing is called with a ping's payload, valid until it returns. The
	// pong leaves with what else is held.
	OnPing func(c *Conn, payload []byte)

	// OnClose is called last, with the error that Read would return.
	OnClose func(c *Conn, err error)
}

// Handle has h called for the connection's events from now on, and returns at
// once. While nothing arrives the connection has neither goroutine nor buffer,
// where what it stands on can say when something does: a [Readiness], as the
// connections of strata/tcp are, or TCP of the kernel's on Linux. Elsewhere there
// is one goroutine.
//
// Afterwards nobody else may read. Close does not wait for the peer then, so that
// callbacks may call it; OnClose is told how it went. Where somebody else still
// reads, or there is a Handler already, h waits for its turn. Where the connection
// has ended, OnClose is all that is called.
func (c *Conn) Handle(h *Handler) {
	if c.reading.tryLock() {
		c.handle(h)
		return
	}
	go func() {
		if c.reading.lock(context.Background(), c) {
			c.handle(h)
		} else if h.OnClose != nil {
			h.OnClose(c, fmt.Errorf("ws: read: %w", alreadyClosed(c.ended())))
		}
	}()
}

// handle begins event mode. The caller has the reading gate, and keeps it for good.
func (c *Conn) handle(h *Handler) {
	e := &events{c: c, h: h}
	e.turn.Store(turnBusy)
	if _, e.notified = c.conn.(Readiness); e.notified {
		e.run = e.wakeUp
	}
	e.polled = !e.notified && canPoll && c.kernel != nil
	c.mu.Lock()
	c.events = e
	c.mu.Unlock()
	if c.closing.Load() {
		c.boundEvents() // Close came too early to know of e
	}
	go func() {
		c.startHold()
		if h.OnOpen != nil && c.ended() == nil {
			h.OnOpen(c)
		}
		c.endWait()
		c.endHold()
		if e.polled {
			if err := e.watch(); err != nil {
				c.readError(context.Background(), err) // it was closed, or there is no room to watch it
			}
			if c.over.Load() {
				e.forget() // it may have ended too early to know of e
			}
		}
		e.serve()
	}()
}

// events is a connection's event mode. A nil one is none.
type events struct {
	c       *Conn
	h       *Handler
	run     func()      // wakeUp, made once, for a Readiness
	message *[]byte     // of the message under way; from a pool
	bound   *time.Timer // of the closing handshake; under the connection's mu

	// What says that there is something to read; where it is neither, a
	// goroutine serves the connection, and waits.
	poll     pollEntry
	notified bool // the connection's own Readiness
	polled   bool // the poller

	drained bool     // the last read did not fill its buffer: there is no more yet
	called  bool     // a callback was called since what was held last left
	later   []func() // of Later
	turn    atomic.Uint32
}

// What events.turn has: nothing while the connection is idle.
const (
	turnBusy   = 1 << iota // somebody serves it
	turnMore               // something came meanwhile
	turnHangUp             // the peer sends no more: a read must find that
)

// begin begins a turn, and reports whether the caller has it. Otherwise whoever
// has it goes on.
func (e *events) begin() bool {
	for {
		t := e.turn.Load()
		if t&turnBusy == 0 && e.turn.CompareAndSwap(t, t|turnBusy) {
			return true
		}
		if t&turnBusy != 0 && e.turn.CompareAndSwap(t, t|turnMore) {
			return false
		}
	}
}

// rest ends a turn, and reports whether there is nothing more to do.
func (e *events) rest() bool {
	for {
		t := e.turn.Load()
		if t&turnMore != 0 && e.turn.CompareAndSwap(t, t&^turnMore) {
			return false
		}
		if t&turnMore == 0 && e.turn.CompareAndSwap(t, t&^turnBusy) {
			return true
		}
	}
}

// nonBlocking reports whether reads must not wait.
func (e *events) nonBlocking() bool { return e != nil && (e.notified || e.polled) }

// wake has a connection served that waits for something to read: it ended.
func (e *events) wake() {
	if e.nonBlocking() && e.begin() {
		go e.serve()
	}
}

// forget is told that the connection below is closed.
func (e *events) forget() {
	if e != nil && e.polled {
		e.poll.forget()
	}
}

func (e *events) ping(c *Conn, payload []byte) {
	if e == nil {
		return
	}
	e.called = true
	if e.h.OnPing != nil {
		e.h.OnPing(c, payload)
		c.endWait()
	}
}

// letGo is called before a read: what is held for what was read before leaves
// first, and what is to be done later begins, also where the peer sends without
// end.
func (e *events) letGo() {
	if e.called {
		e.called = false
		e.hurryPastHeld()
		e.c.flushHeld()
		e.hurry()
	}
}

// messages has the memory of messages that are not in one piece in the read
// buffer. Larger ones than maxPooledMessage are not kept.
var messages = sync.Pool{New: func() any { return new([]byte) }}

const maxPooledMessage = 4 << 20

// errWouldBlock is said where a read had to wait and must not.
var errWouldBlock = errors.New("nothing to read yet")

// serve handles what has come, until nothing has or the connection ended.
func (e *events) serve() {
	c := e.c
	for {
		c.startHold()
		err := e.dispatch()
		e.hurryPastHeld()
		c.endHold()
		e.called = false
		if err != errWouldBlock {
			c.in.release()
			e.putMessage()
			e.hurry() // OnClose may wait for it
			if e.h.OnClose != nil {
				e.h.OnClose(c, fmt.Errorf("ws: read: %w", err))
			}
			e.hurry()
			return
		}
		c.in.release()
		later := e.later
		e.later = nil // after the rest it is another's
		if e.rest() {
			if e.notified {
				c.conn.(Readiness).OnReadable(e.run)
			}
			callAll(later)
			return
		}
		e.later = later
		e.hurry() // what comes now need not have a callback, after which it would begin
	}
}

func (e *events) wakeUp() {
	if e.begin() {
		e.serve()
	}
}

// dispatch calls for all that has come. It returns why it cannot go on.
func (e *events) dispatch() error {
	c, ctx := e.c, context.Background()
	for {
		if err := c.nextPayload(ctx); err != nil {
			return err
		}
		r := &c.recv
		typ := MessageType(r.typ)
		if r.fin && r.left > 0 && r.left == r.size && !r.compressed && int64(c.in.len()) >= r.left && r.fragments == 1 {
			// All of it is in the read buffer, and stays there.
			n := int(r.left)
			p := c.in.bytes()[:n:n]
			c.in.take(n)
			if err := c.take(ctx, p); err != nil {
				return err
			}
			c.endMessage()
			e.onMessage(typ, p)
			continue
		}
		if e.message == nil {
			e.message = messages.Get().(*[]byte)
		}
		var err error
		*e.message, err = c.readMessage(ctx, *e.message)
		if err != nil {
			return err
		}
		c.endMessage()
		e.onMessage(typ, *e.message)
		e.putMessage()
	}
}

func (e *events) onMessage(typ MessageType, p []byte) {
	e.called = true
	if e.h.OnMessage != nil {
		e.h.OnMessage(e.c, typ, p)
		e.c.endWait()
	}
}

func (e *events) putMessage() {
	if e.message != nil && cap(*e.message) <= maxPooledMessage {
		*e.message = (*e.message)[:0]
		messages.Put(e.message)
	}
	e.message = nil
}

// tryFill is fill in event mode.
func (c *Conn) tryFill() error {
	if c.events.drained {
		// What came meanwhile is told of; a read would nearly always be for
		// nothing.
		c.events.drained = false
		return errWouldBlock
	}
	c.events.letGo()
	if c.events.polled {
		if err := c.fillKernel(false); err != nil {
			return c.tryError(0, err)
		}
	} else {
		space := c.in.space(true)
		n, err := c.tryRead(space)
		if err := c.tryError(n, err); err != nil {
			return err
		}
		c.in.grew(n, len(space))
	}
	c.events.drained = !c.in.eager() && c.events.turn.Load()&turnHangUp == 0
	c.keepAlive.heard()
	return nil
}

// tryRead is a Read that does not wait. What it has filled p with need not be all
// that came: of that nobody tells again.
func (c *Conn) tryRead(p []byte) (n int, err error) {
	if c.events.polled {
		n, err = c.readKernel(nil, p, false)
	} else {
		n, err = c.conn.(Readiness).TryRead(p)
	}
	c.events.drained = n > 0 && n < len(p) && c.events.turn.Load()&turnHangUp == 0
	return n, err
}

// tryError is what the error of a read means that did not wait.
func (c *Conn) tryError(n int, err error) error {
	switch {
	case n > 0 || err == nil:
		return nil
	case errors.Is(err, syscall.EAGAIN):
		return errWouldBlock
	}
	return c.readError(context.Background(), err)
}

// boundEvents ends a connection whose peer does not finish the closing handshake:
// a deadline would not be noticed, because nobody reads.
func (c *Conn) boundEvents() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events.nonBlocking() && !c.over.Load() && c.events.bound == nil {
		c.events.bound = time.AfterFunc(c.closeTimeout, func() {
			c.end(fmt.Errorf("the peer did not finish the closing handshake within %v: %w", c.closeTimeout, os.ErrDeadlineExceeded))
		})
	}
}

// stop stops the bound of the closing handshake. The caller has the connection's
// mu.
func (e *events) stop() {
	if e != nil && e.bound != nil {
		e.bound.Stop()
	}
}
