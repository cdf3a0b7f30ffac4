package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"sync"

	"github.com/coder/websocket"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
	xnet "golang.org/x/net/websocket"

	strata "strata/ws"
)

// server is a way to serve echo. A message that begins with "B" is broadcast to
// all connections in place of that, where the server can.
type server struct {
	name       string
	ours       bool
	noLibrary  bool
	broadcasts bool
	compresses string // what compressed echo is measured with; empty: it is not
	serve      func(ln net.Listener, o serverOptions)
}

type serverOptions struct {
	compressed bool
	bits       int  // of the window; 15 or 9
	pinned     bool // to the first processor, with the client
}

const readLimit = 64 << 20

var servers = []server{
	{name: "strata/event", ours: true, broadcasts: true, compresses: "takeover", serve: serveEvent},
	{name: "strata/batch", ours: true, serve: serveBatch},
	{name: "strata/loop", ours: true, compresses: "takeover", serve: serveLoop},
	{name: "gorilla", broadcasts: true, compresses: "no takeover", serve: serveGorilla},
	{name: "coder", compresses: "takeover", serve: serveCoder},
	{name: "gobwas", serve: serveGobwas},
	{name: "gws", broadcasts: true, compresses: "takeover", serve: serveGws},
	{name: "x/net", serve: serveXnet},
	{name: "bare", noLibrary: true, broadcasts: true, serve: func(ln net.Listener, _ serverOptions) { serveBare(ln, false) }},
	{name: "ceiling", noLibrary: true, serve: func(ln net.Listener, _ serverOptions) { serveBare(ln, true) }},
}

// held is a row of the table of memory: what a connection costs whoever has it.
var held = server{name: "a net.Conn alone", noLibrary: true, serve: serveHeld}

// group is the connections that a broadcast goes to.
type group[C comparable] struct {
	mu    sync.Mutex
	conns map[C]bool
}

func (g *group[C]) add(c C) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns == nil {
		g.conns = make(map[C]bool)
	}
	g.conns[c] = true
}

func (g *group[C]) remove(c C) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

func (g *group[C]) each(f func(C)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		f(c)
	}
}

func isBroadcast(p []byte) bool { return len(p) > 0 && p[0] == 'B' }

// upgrade accepts connections without net/http.
func upgrade(ln net.Listener, o serverOptions, serve func(c *strata.Conn)) {
	opts := &strata.UpgradeOptions{AcceptOptions: strata.AcceptOptions{ReadLimit: readLimit}}
	if o.compressed {
		opts.Compression = &strata.Compression{ServerMaxWindowBits: o.bits, ClientMaxWindowBits: o.bits}
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			if c, err := strata.Upgrade(conn, opts); err == nil {
				serve(c)
			}
		}()
	}
}

func serveEvent(ln net.Listener, o serverOptions) {
	var all group[*strata.Conn]
	ctx := context.Background()
	h := &strata.Handler{
		OnOpen: all.add,
		OnMessage: func(c *strata.Conn, typ strata.MessageType, p []byte) {
			if isBroadcast(p) {
				m, err := strata.NewPreparedMessage(typ, append([]byte(nil), p...))
				if err == nil {
					all.each(func(c *strata.Conn) { c.WritePrepared(ctx, m) })
				}
				return
			}
			c.Write(ctx, typ, p)
		},
		OnClose: func(c *strata.Conn, _ error) { all.remove(c) },
	}
	upgrade(ln, o, func(c *strata.Conn) { c.Handle(h) })
}

// echoLoop has a buffer of its own, which it keeps up to keep bytes.
func echoLoop(c *strata.Conn, keep int) error {
	ctx := context.Background()
	var p []byte
	for {
		typ, q, err := c.ReadAppend(ctx, p[:0])
		if err != nil {
			return err
		}
		if err := c.Write(ctx, typ, q); err != nil {
			return err
		}
		if p = q; cap(p) > keep {
			p = nil
		}
	}
}

func serveLoop(ln net.Listener, o serverOptions) {
	keep := 4 << 20
	if o.compressed {
		keep = 16 << 10 // what is measured is the connection's memory, not this
	}
	upgrade(ln, o, func(c *strata.Conn) { echoLoop(c, keep) })
}

func serveBatch(ln net.Listener, o serverOptions) {
	upgrade(ln, o, func(c *strata.Conn) { c.Batch(func() error { return echoLoop(c, 4<<20) }) })
}

func serveHTTP(ln net.Listener, h http.HandlerFunc) {
	(&http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}).Serve(ln)
}

func serveGorilla(ln net.Listener, o serverOptions) {
	up := gorilla.Upgrader{EnableCompression: o.compressed}
	var all group[*gorilla.Conn]
	serveHTTP(ln, func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		all.add(c)
		defer all.remove(c)
		for {
			typ, p, err := c.ReadMessage()
			if err != nil {
				return
			}
			if isBroadcast(p) {
				m, _ := gorilla.NewPreparedMessage(typ, p)
				all.each(func(c *gorilla.Conn) { c.WritePreparedMessage(m) })
				continue
			}
			if c.WriteMessage(typ, p) != nil {
				return
			}
		}
	})
}

func serveCoder(ln net.Listener, o serverOptions) {
	opts := &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}
	if o.compressed {
		opts.CompressionMode = websocket.CompressionContextTakeover
	}
	serveHTTP(ln, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, opts)
		if err != nil {
			return
		}
		c.SetReadLimit(readLimit)
		ctx := context.Background()
		for {
			typ, p, err := c.Read(ctx)
			if err != nil || c.Write(ctx, typ, p) != nil {
				return
			}
		}
	})
}

func serveGobwas(ln net.Listener, _ serverOptions) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if _, err := gobwas.Upgrade(conn); err != nil {
				return
			}
			for {
				p, op, err := wsutil.ReadClientData(conn)
				if err != nil || wsutil.WriteServerMessage(conn, op, p) != nil {
					return
				}
			}
		}()
	}
}

type gwsEcho struct {
	gws.BuiltinEventHandler
	all group[*gws.Conn]
}

func (e *gwsEcho) OnOpen(c *gws.Conn)           { e.all.add(c) }
func (e *gwsEcho) OnClose(c *gws.Conn, _ error) { e.all.remove(c) }
func (e *gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	if isBroadcast(m.Bytes()) {
		b := gws.NewBroadcaster(m.Opcode, append([]byte(nil), m.Bytes()...))
		e.all.each(func(c *gws.Conn) { b.Broadcast(c) })
		b.Close()
		return
	}
	c.WriteMessage(m.Opcode, m.Bytes())
}

func serveGws(ln net.Listener, o serverOptions) {
	opts := &gws.ServerOption{ReadMaxPayloadSize: readLimit, WriteMaxPayloadSize: readLimit, CheckUtf8Enabled: true}
	if o.compressed {
		opts.PermessageDeflate = gws.PermessageDeflate{
			Enabled: true, ServerContextTakeover: true, ClientContextTakeover: true,
			ServerMaxWindowBits: o.bits, ClientMaxWindowBits: o.bits,
		}
	}
	s := gws.NewServer(&gwsEcho{}, opts)
	s.OnError = func(_ net.Conn, err error) {
		if errors.Is(err, net.ErrClosed) {
			runtime.Goexit() // RunListener would go on for ever, and what is measured after it would pay for that
		}
	}
	s.RunListener(ln)
}

func serveXnet(ln net.Listener, _ serverOptions) {
	h := xnet.Server{Handler: func(c *xnet.Conn) {
		c.MaxPayloadBytes = readLimit
		var p []byte
		for {
			if err := xnet.Message.Receive(c, &p); err != nil || xnet.Message.Send(c, p) != nil {
				return
			}
		}
	}}
	serveHTTP(ln, h.ServeHTTP)
}
