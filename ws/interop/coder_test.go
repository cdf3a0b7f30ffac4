package interop

import (
	"context"
	"errors"
	"net/http"

	"github.com/coder/websocket"
)

var coderModes = map[string]websocket.CompressionMode{
	"":                    websocket.CompressionDisabled,
	"context takeover":    websocket.CompressionContextTakeover,
	"no context takeover": websocket.CompressionNoContextTakeover,
}

var coder = library{
	name:         "coder/websocket",
	compressions: []string{"context takeover", "no context takeover"},
	dial: func(ctx context.Context, url, compression string) (conn, error) {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: subprotocols, CompressionMode: coderModes[compression]})
		if err != nil {
			return nil, err
		}
		return newCoder(c), nil
	},
	serve: func(compression string, f func(conn)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: subprotocols[1:], CompressionMode: coderModes[compression]})
			if err == nil {
				defer c.CloseNow()
				f(newCoder(c))
			}
		})
	},
}

type coderConn struct {
	*inbox
	c *websocket.Conn
}

func newCoder(c *websocket.Conn) conn {
	c.SetReadLimit(readLimit)
	k := &coderConn{newInbox(), c}
	go k.pump(func() (bool, []byte, error) {
		typ, p, err := c.Read(ctx)
		var ce websocket.CloseError
		if errors.As(err, &ce) {
			err = closed{int(ce.Code), ce.Reason}
		}
		return typ == websocket.MessageText, p, err
	})
	return k
}

func (k *coderConn) send(text bool, parts ...[]byte) error {
	typ := websocket.MessageBinary
	if text {
		typ = websocket.MessageText
	}
	if len(parts) == 1 {
		return k.c.Write(ctx, typ, parts[0])
	}
	w, err := k.c.Writer(ctx, typ)
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

// ping waits for the pong by itself.
func (k *coderConn) ping(payload string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := k.c.Ping(ctx); err != nil {
		return err
	}
	k.pongs <- payload
	return nil
}

func (k *coderConn) close(code int, reason string) error {
	return k.c.Close(websocket.StatusCode(code), reason)
}

func (k *coderConn) subprotocol() string { return k.c.Subprotocol() }
