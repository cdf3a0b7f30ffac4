package ws_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"strata/ws"
)

// hub is a chat room: what one says goes to all, encoded and compressed once.
type hub struct {
	mu      sync.Mutex
	members map[*ws.Conn]bool
}

func (h *hub) say(ctx context.Context, p []byte) error {
	m, err := ws.NewPreparedMessage(ws.MessageText, p)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.members {
		if err := c.WritePrepared(ctx, m); err != nil {
			delete(h.members, c) // its own Read says why
		}
	}
	return nil
}

func (h *hub) serve(ctx context.Context, c *ws.Conn) error {
	h.mu.Lock()
	h.members[c] = true
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.members, c)
	}()
	for {
		_, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := h.say(ctx, p); err != nil {
			return err
		}
	}
}

// A chat room with a goroutine for each member. Nobody waits for a member who
// does not read for longer than the WriteTimeout.
func ExamplePreparedMessage() {
	room := &hub{members: make(map[*ws.Conn]bool)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, &ws.AcceptOptions{
			Compression:  &ws.Compression{},
			WriteTimeout: 5 * time.Second,
		})
		if err != nil {
			return
		}
		defer c.CloseNow()
		if err := room.serve(context.Background(), c); ws.CloseStatus(err) != ws.StatusNormalClosure {
			fmt.Println(err)
		}
	}))
	defer server.Close()

	ctx := context.Background()
	c, _, err := ws.Dial(ctx, server.URL, &ws.DialOptions{Compression: &ws.Compression{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"hello, everybody", "is anybody there?"} {
		if err := c.Write(ctx, ws.MessageText, []byte(text)); err != nil {
			fmt.Println(err)
			return
		}
		_, p, err := c.Read(ctx)
		fmt.Println(string(p), err)
	}
	fmt.Println(c.Close(ws.StatusNormalClosure, ""))
	// Output:
	// hello, everybody <nil>
	// is anybody there? <nil>
	// <nil>
}

// A server for one site's pages and one subprotocol, which ends connections whose
// peer has gone.
func ExampleAccept() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, &ws.AcceptOptions{
			OriginPatterns: []string{"https://*.example.com"},
			Subprotocols:   []string{"time.example.com"},
			KeepAlive:      ws.KeepAlive{Interval: 30 * time.Second},
		})
		if err != nil {
			return // the answer is already written
		}
		c.Close(ws.StatusTryAgainLater, "the clock has stopped")
	}))
	defer server.Close()

	for _, page := range []string{"https://evil.example.org", "https://app.example.com"} {
		c, resp, err := ws.Dial(context.Background(), server.URL, &ws.DialOptions{
			Header:       http.Header{"Origin": {page}},
			Subprotocols: []string{"time.example.com"},
		})
		if err != nil {
			fmt.Println(resp.Status)
			continue
		}
		_, _, err = c.Read(context.Background())
		fmt.Println(c.Subprotocol(), ws.CloseStatus(err), errors.Is(err, net.ErrClosed))
	}
	// Output:
	// 403 Forbidden
	// time.example.com try again later false
}

// A Read that is given up does no harm: the next one goes on.
func ExampleConn_Read() {
	say := make(chan string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return
		}
		for text := range say {
			c.Write(context.Background(), ws.MessageText, []byte(text))
		}
		c.Close(ws.StatusNormalClosure, "")
	}))
	defer server.Close()
	c, _, err := ws.Dial(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, _, err = c.Read(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	say <- "better late than never"
	close(say)
	_, p, err := c.Read(context.Background())
	fmt.Println(string(p), err)
	_, _, err = c.Read(context.Background())
	fmt.Println(ws.CloseStatus(err))
	// Output:
	// true
	// better late than never <nil>
	// normal closure
}

// Messages wait in a queue for a slow peer, and the oldest make room for new ones.
func ExampleQueue() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		q := ws.NewQueue(c, ws.QueueOptions{Messages: 100, Policy: ws.DropOldest})
		const positions = 1 // newer ones take the place of these, and of nothing else
		for i := range 3 {
			q.Send(r.Context(), ws.MessageText, fmt.Appendf(nil, "at %d", i), positions)
		}
		c.Read(context.Background()) // until the client has read them, and closes
	}))
	defer server.Close()
	c, _, err := ws.Dial(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		_, p, err := c.Read(context.Background())
		fmt.Println(string(p), err)
	}
	fmt.Println(c.Close(ws.StatusNormalClosure, ""))
	// Output:
	// at 0 <nil>
	// at 1 <nil>
	// at 2 <nil>
	// <nil>
}
