package interop

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/lxzan/gws"
)

func gwsDeflate(compression string) gws.PermessageDeflate {
	takeover := compression != "no context takeover"
	d := gws.PermessageDeflate{Enabled: compression != "", ServerContextTakeover: takeover, ClientContextTakeover: takeover}
	if compression == "windows of 10 bits" {
		d.ServerMaxWindowBits, d.ClientMaxWindowBits = 10, 10
	}
	return d
}

var gwsLibrary = library{
	name:         "lxzan/gws",
	ignoresBits:  true,
	compressions: []string{"context takeover", "no context takeover", "windows of 10 bits"},
	dial: func(_ context.Context, url, compression string) (conn, error) {
		g := &gwsConn{inbox: newInbox()}
		header := http.Header{}
		header.Set("Sec-WebSocket-Protocol", subprotocols[0]+", "+subprotocols[1])
		c, _, err := gws.NewClient(g, &gws.ClientOption{Addr: url, RequestHeader: header, PermessageDeflate: gwsDeflate(compression), CheckUtf8Enabled: true})
		if err != nil {
			return nil, err
		}
		g.c = c
		go c.ReadLoop()
		return g, nil
	},
	serve: func(compression string, f func(conn)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g := &gwsConn{inbox: newInbox()}
			up := gws.NewUpgrader(g, &gws.ServerOption{SubProtocols: subprotocols[1:], PermessageDeflate: gwsDeflate(compression), CheckUtf8Enabled: true})
			c, err := up.Upgrade(w, r)
			if err != nil {
				return
			}
			g.c = c
			go c.ReadLoop()
			f(g)
		})
	},
}

type gwsConn struct {
	*inbox
	gws.BuiltinEventHandler
	c *gws.Conn
}

// OnMessage implements gws.Event.
func (g *gwsConn) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	g.messages <- message{m.Opcode == gws.OpcodeText, append([]byte{}, m.Bytes()...)}
}

// OnPing implements gws.Event.
func (g *gwsConn) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

// OnPong implements gws.Event.
func (g *gwsConn) OnPong(_ *gws.Conn, payload []byte) { g.pongs <- string(payload) }

// OnClose implements gws.Event.
func (g *gwsConn) OnClose(_ *gws.Conn, err error) {
	var ce *gws.CloseError
	if errors.As(err, &ce) {
		err = closed{int(ce.Code), string(ce.Reason)}
	}
	g.end(err)
}

func (g *gwsConn) send(text bool, parts ...[]byte) error {
	op := gws.OpcodeBinary
	if text {
		op = gws.OpcodeText
	}
	if len(parts) == 1 {
		return g.c.WriteMessage(op, parts[0])
	}
	return g.c.WriteFile(op, bytes.NewReader(bytes.Join(parts, nil))) // fragments of 128 KiB
}

func (g *gwsConn) ping(payload string) error { return g.c.WritePing([]byte(payload)) }

func (g *gwsConn) close(code int, reason string) error {
	return g.c.WriteClose(uint16(code), []byte(reason))
}

func (g *gwsConn) subprotocol() string { return g.c.SubProtocol() }
