package ws_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	"strata/ws"
)

// A server that echoes, and a client of it.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return // the answer is already written
		}
		defer c.CloseNow()
		for {
			typ, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), typ, p); err != nil {
				return
			}
		}
	}))
	defer server.Close()

	ctx := context.Background()
	c, _, err := ws.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	if err := c.Write(ctx, ws.MessageText, []byte("hello")); err != nil {
		fmt.Println(err)
		return
	}
	typ, p, err := c.Read(ctx)
	fmt.Println(typ, string(p), err)
	fmt.Println(c.Close(ws.StatusNormalClosure, ""))
	// Output:
	// text hello <nil>
	// <nil>
}

// A chat: every message goes to everybody, encoded and compressed once. While
// nobody talks there is neither goroutine nor buffer for anybody.
func ExampleHandler() {
	var mu sync.Mutex
	members := make(map[*ws.Conn]bool)
	member := func(c *ws.Conn, is bool) {
		mu.Lock()
		defer mu.Unlock()
		if is {
			members[c] = true
		} else {
			delete(members, c)
		}
	}
	ctx := context.Background()
	chat := &ws.Handler{
		OnOpen: func(c *ws.Conn) { member(c, true) },
		OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) {
			m, err := ws.NewPreparedMessage(typ, bytes.Clone(p))
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for c := range members {
				c.WritePrepared(ctx, m) // one who cannot be reached is told to OnClose
			}
		},
		OnClose: func(c *ws.Conn, _ error) { member(c, false) },
	}

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				c, err := ws.Upgrade(conn, &ws.UpgradeOptions{AcceptOptions: ws.AcceptOptions{Compression: &ws.Compression{}}})
				if err == nil {
					c.Handle(chat)
				}
			}()
		}
	}()

	c, _, err := ws.Dial(ctx, "ws://"+ln.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	if err := c.Write(ctx, ws.MessageText, []byte("hello, everybody")); err != nil {
		fmt.Println(err)
		return
	}
	_, p, err := c.Read(ctx)
	fmt.Println(string(p), err)
	fmt.Println(c.Close(ws.StatusNormalClosure, ""))
	// Output:
	// hello, everybody <nil>
	// <nil>
}

// What is written in a Batch leaves together.
func ExampleConn_Batch() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		err = c.Batch(func() error {
			for i := range 3 {
				if err := c.Write(r.Context(), ws.MessageText, fmt.Appendf(nil, "%d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			c.Close(ws.StatusNormalClosure, "")
		}
	}))
	defer server.Close()
	c, _, err := ws.Dial(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	for {
		_, p, err := c.Read(context.Background())
		if err != nil {
			fmt.Println(ws.CloseStatus(err))
			return
		}
		fmt.Println(string(p))
	}
	// Output:
	// 0
	// 1
	// 2
	// normal closure
}
