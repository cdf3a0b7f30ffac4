package site

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"time"

	"strata/ws"
)

// maxEcho is the largest message that is echoed, bytes.
const maxEcho = 16 << 20

// echoMemory is what the messages of all clients may take together, bytes.
const echoMemory = 256 << 20

// echoTimeout is how long a message may take to come, from its first frame on,
// and again its echo to be taken. It is enough for the largest at 1.2 Mbit/s.
const echoTimeout = 2 * time.Minute

const never = math.MaxInt64

// echo sends back every WebSocket message.
type echo struct {
	config  Config
	memory  *memory
	timeout time.Duration

	mu     sync.Mutex
	closed bool
	conns  map[*ws.Conn]struct{}
}

func newEcho(c Config) *echo {
	return &echo{config: c, memory: newMemory(echoMemory), timeout: echoTimeout, conns: map[*ws.Conn]struct{}{}}
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := ws.Accept(w, r, &ws.AcceptOptions{ReadLimit: maxEcho, Recorder: e.config.Recorder, Host: e.config.Host})
	if err != nil {
		return // the answer says why
	}
	defer c.CloseNow()
	if !e.add(c) {
		c.Close(ws.StatusGoingAway, "server is closing")
		return
	}
	defer e.remove(c)
	m := message{of: e.memory}
	defer m.free()
	// A message that is late is the last: so one context does for all of them.
	ctx, late := context.WithCancel(context.Background())
	defer late()
	timer := time.AfterFunc(never, late)
	defer timer.Stop()
	for {
		timer.Reset(never) // who says nothing may stay
		typ, body, err := c.Reader(ctx)
		if err == nil {
			timer.Reset(e.timeout)
			err = m.read(body, maxEcho)
		}
		switch {
		case errors.Is(err, errNoMemory):
			m.free() // closing may take its time
			c.Close(ws.StatusTryAgainLater, "too many large messages at once")
			return
		case errors.Is(err, context.Canceled):
			m.free()
			c.Close(ws.StatusPolicyViolation, "the message took too long")
			return
		case err != nil:
			return
		}
		timer.Reset(e.timeout)
		if err := c.Write(ctx, typ, m.bytes); err != nil {
			return
		}
		m.done()
	}
}

func (e *echo) add(c *ws.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.conns[c] = struct{}{}
	return true
}

func (e *echo) remove(c *ws.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c)
}

// close says goodbye to every peer, to all at once.
func (e *echo) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	conns := make([]*ws.Conn, 0, len(e.conns))
	for c := range e.conns {
		conns = append(conns, c)
	}
	e.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { c.CloseNow() })
			defer stop()
			c.Close(ws.StatusGoingAway, "server is closing")
		})
	}
	wg.Wait()
	return ctx.Err()
}
