package site

import (
	"context"
	"net/http"
	"sync"
	"time"

	"strata/ws"
)

// maxEcho is the largest message that is echoed, bytes.
const maxEcho = 32 << 20

// echoTimeout is how long a peer may take to take its answer; one that is
// slower is dropped.
const echoTimeout = 30 * time.Second

// echo sends back every WebSocket message.
type echo struct {
	config Config

	mu     sync.Mutex
	closed bool
	conns  map[*ws.Conn]struct{}
}

func newEcho(c Config) *echo { return &echo{config: c, conns: map[*ws.Conn]struct{}{}} }

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
	for {
		typ, p, err := c.Read(context.Background())
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), echoTimeout)
		err = c.Write(ctx, typ, p)
		cancel()
		if err != nil {
			return
		}
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
