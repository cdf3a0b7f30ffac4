package interop

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/trace"
	"strata/ws"
)

// ours is a connection of strata/ws.
type ours struct {
	*inbox
	c *ws.Conn
}

var ctx = context.Background()

const readLimit = 4 << 20

func newOurs(c *ws.Conn) conn {
	o := &ours{newInbox(), c}
	go o.pump(func() (bool, []byte, error) {
		typ, p, err := c.Read(ctx)
		return typ == ws.MessageText, p, ourError(err)
	})
	return o
}

func ourError(err error) error {
	if ce, ok := errors.AsType[ws.CloseError](err); ok {
		return closed{int(ce.Code), ce.Reason}
	}
	return err
}

func messageType(text bool) ws.MessageType {
	if text {
		return ws.MessageText
	}
	return ws.MessageBinary
}

func (o *ours) send(text bool, parts ...[]byte) error {
	if len(parts) == 1 {
		return o.c.Write(ctx, messageType(text), parts[0])
	}
	w, err := o.c.Writer(ctx, messageType(text))
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
func (o *ours) ping(payload string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := o.c.Ping(ctx); err != nil {
		return err
	}
	o.pongs <- payload
	return nil
}

func (o *ours) close(code int, reason string) error { return o.c.Close(ws.StatusCode(code), reason) }
func (o *ours) subprotocol() string                 { return o.c.Subprotocol() }

// frames counts the frames of messages that were compressed, each way.
type frames struct{ in, out atomic.Int64 }

// Record implements trace.Recorder.
func (f *frames) Record(e trace.Event) {
	if w, ok := e.What.(trace.Frame); ok && w.RSV1 {
		if e.Dir == trace.In {
			f.in.Add(1)
		} else {
			f.out.Add(1)
		}
	}
}

func dialOurs(t *testing.T, url string, compress *ws.Compression) (conn, *http.Response, *frames) {
	c, resp, count, err := tryOurs(t, url, compress)
	require.NoError(t, err)
	return c, resp, count
}

func tryOurs(t *testing.T, url string, compress *ws.Compression) (conn, *http.Response, *frames, error) {
	count := &frames{}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, resp, err := ws.Dial(ctx, url, &ws.DialOptions{
		Subprotocols: subprotocols, ReadLimit: readLimit, Compression: compress, Recorder: count,
	})
	if err != nil {
		return nil, resp, count, err
	}
	t.Cleanup(func() { c.CloseNow() })
	return newOurs(c), resp, count, nil
}

// server is ours, which echoes; pages are what it serves beside.
type server struct {
	url    string
	ends   chan error // how each connection ended, in the order in which they did
	frames frames
}

func (s *server) options(compress *ws.Compression) ws.AcceptOptions {
	return ws.AcceptOptions{Subprotocols: subprotocols[1:], ReadLimit: readLimit, Compression: compress, Recorder: &s.frames}
}

// serveOurs serves by Accept; whatever is not a WebSocket is for pages.
func serveOurs(t *testing.T, compress *ws.Compression, pages http.Handler) *server {
	s := &server{ends: make(chan error, 16)}
	opts := s.options(compress)
	s.url = serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pages != nil && r.Header.Get("Upgrade") == "" {
			pages.ServeHTTP(w, r)
			return
		}
		c, err := ws.Accept(w, r, &opts)
		if err != nil {
			s.ends <- err
			return
		}
		defer c.CloseNow()
		s.ends <- echo(newOurs(c))
	}))
	return s
}

// event is a connection of strata/ws in event mode: nobody reads, a Handler is
// called.
type event struct{ ours }

// serveEvents serves by Upgrade and Handle.
func serveEvents(t *testing.T, compress *ws.Compression, _ http.Handler) *server {
	s := &server{ends: make(chan error, 16)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	s.url = "ws://" + ln.Addr().String() + "/"
	opts := &ws.UpgradeOptions{AcceptOptions: s.options(compress)}
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				c, err := ws.Upgrade(nc, opts)
				if err != nil {
					s.ends <- err
					return
				}
				e := &event{ours{newInbox(), c}}
				c.Handle(&ws.Handler{
					OnMessage: func(_ *ws.Conn, typ ws.MessageType, p []byte) {
						e.messages <- message{typ == ws.MessageText, append([]byte{}, p...)}
					},
					OnClose: func(_ *ws.Conn, err error) { e.end(ourError(err)) },
				})
				s.ends <- echo(e)
			}()
		}
	}()
	return s
}
