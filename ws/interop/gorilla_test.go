package interop

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

var gorilla = library{
	name:         "gorilla/websocket",
	ignoresBits:  true,
	compressions: []string{"no context takeover"},
	dial: func(ctx context.Context, url, compression string) (conn, error) {
		d := websocket.Dialer{Subprotocols: subprotocols, EnableCompression: compression != ""}
		c, _, err := d.DialContext(ctx, url, nil)
		if err != nil {
			return nil, err
		}
		return newGorilla(c), nil
	},
	serve: func(compression string, f func(conn)) http.Handler {
		up := websocket.Upgrader{Subprotocols: subprotocols[1:], EnableCompression: compression != ""}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := up.Upgrade(w, r, nil); err == nil {
				defer c.Close()
				f(newGorilla(c))
			}
		})
	},
}

type gorillaConn struct {
	*inbox
	c  *websocket.Conn
	mu sync.Mutex // one writer at a time
}

func newGorilla(c *websocket.Conn) conn {
	g := &gorillaConn{inbox: newInbox(), c: c}
	c.SetPongHandler(func(payload string) error { g.pongs <- payload; return nil })
	go g.pump(func() (bool, []byte, error) {
		typ, p, err := c.ReadMessage()
		var ce *websocket.CloseError
		if errors.As(err, &ce) {
			err = closed{ce.Code, ce.Text}
		}
		return typ == websocket.TextMessage, p, err
	})
	return g
}

func (g *gorillaConn) send(text bool, parts ...[]byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	typ := websocket.BinaryMessage
	if text {
		typ = websocket.TextMessage
	}
	if len(parts) == 1 {
		return g.c.WriteMessage(typ, parts[0])
	}
	w, err := g.c.NextWriter(typ)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return w.Close()
}

func (g *gorillaConn) ping(payload string) error {
	return g.c.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(patience))
}

func (g *gorillaConn) close(code int, reason string) error {
	return g.c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(patience))
}

func (g *gorillaConn) subprotocol() string { return g.c.Subprotocol() }
