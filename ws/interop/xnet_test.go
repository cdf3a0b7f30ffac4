package interop

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/net/websocket"
)

// A message's fragments are messages of their own to golang.org/x/net/websocket,
// and of close frames it has only its own.
var xnet = library{
	name:  "golang.org/x/net/websocket",
	lacks: lacks{fragments: true, codes: true, pings: true},
	dial: func(ctx context.Context, target, _ string) (conn, error) {
		config, err := websocket.NewConfig(target, "http://127.0.0.1/")
		if err != nil {
			return nil, err
		}
		config.Protocol = subprotocols
		config.Origin = &url.URL{Scheme: "http", Host: config.Location.Host}
		c, err := config.DialContext(ctx)
		if err != nil {
			return nil, err
		}
		return newXnet(c), nil
	},
	serve: func(_ string, f func(conn)) http.Handler {
		return websocket.Server{
			Handshake: func(c *websocket.Config, _ *http.Request) error {
				c.Protocol = subprotocols[1:]
				return nil
			},
			Handler: func(c *websocket.Conn) { f(newXnet(c)) },
		}
	},
}

type xnetConn struct {
	*inbox
	c *websocket.Conn
}

// received tells text from binary, which websocket.Message does not.
var received = websocket.Codec{Unmarshal: func(data []byte, payloadType byte, v any) error {
	*v.(*message) = message{payloadType == websocket.TextFrame, data}
	return nil
}}

func newXnet(c *websocket.Conn) conn {
	c.MaxPayloadBytes = readLimit
	x := &xnetConn{newInbox(), c}
	go x.pump(func() (bool, []byte, error) {
		var m message
		err := received.Receive(c, &m)
		if err != nil {
			c.Close() // which nobody else does, also where the peer closed
		}
		return m.text, m.payload, err
	})
	return x
}

func (x *xnetConn) send(text bool, parts ...[]byte) error {
	if len(parts) > 1 {
		return errors.New("it makes no fragments")
	}
	if text {
		return websocket.Message.Send(x.c, string(parts[0]))
	}
	return websocket.Message.Send(x.c, parts[0])
}

func (x *xnetConn) ping(string) error       { return errors.New("it sends no pings") }
func (x *xnetConn) close(int, string) error { return x.c.Close() }

func (x *xnetConn) subprotocol() string {
	if p := x.c.Config().Protocol; len(p) == 1 {
		return p[0]
	}
	return ""
}
