// Package intest shows an integration test without kernel sockets: no ports, no
// root, and as many at once as one likes.
package intest

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/ws"
)

func TestHundredClients(t *testing.T) {
	wire := link.NewWire(link.WireConfig{})
	server, clients := stack.New(stack.Config{Name: "server"}), stack.New(stack.Config{Name: "clients"})
	defer server.Close()
	defer clients.Close()
	server.Attach(wire.A(), netip.MustParsePrefix("10.0.0.2/24"))
	clients.Attach(wire.B(), netip.MustParsePrefix("10.0.0.1/24"))

	ln, err := tcp.Listen(server, "tcp", ":80") // a net.Listener like any other
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(echo)}
	go srv.Serve(ln)
	defer srv.Close()

	dial := (&tcp.Dialer{Host: clients}).DialContext
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			c, _, err := ws.Dial(t.Context(), "ws://10.0.0.2/", &ws.DialOptions{DialContext: dial})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close(ws.StatusNormalClosure, "")
			if err := c.Write(t.Context(), ws.MessageText, []byte("hello")); err != nil {
				t.Error(err)
			}
			if _, p, err := c.Read(t.Context()); err != nil || string(p) != "hello" {
				t.Errorf("got %q, %v", p, err)
			}
		})
	}
	wg.Wait()
}

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := ws.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		typ, p, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if c.Write(context.Background(), typ, p) != nil {
			return
		}
	}
}
