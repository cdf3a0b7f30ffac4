package workload

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
	"strata/ws"
)

var handshake = &Workload{
	Name:  "handshake",
	Short: "time to first event: TCP, TLS 1.3, WebSocket, Socket.IO",
	Long: `Handshake opens one connection of each kind, says something and waits for the
answer: the time to the first event. Beside it is what the round trips alone
take: TCP 2 (SYN, then the question), TLS 1.3 one more, WebSocket one more than
TCP (the upgrade), over TLS 4; Socket.IO over WebSocket 4 (TCP, upgrade, joining
the namespace, the event), from long-polling 5 (the session's opening; then the
poll that brings the namespace needs a second connection, which takes two).`,
	Defaults: []Setting{{"delay", "50ms"}},
	Columns: []Column{
		{"tcp", "p50(tcp)"}, {"tls 1.3", "p50(tls)"}, {"websocket", "p50(websocket)"}, {"wss", "p50(wss)"},
		{"socket.io", "p50(socket.io)"}, {"from polling", "p50(polling)"}, {"upgraded", "p50(upgraded)"}, {"failed", "failed"},
	},
	run: runHandshake,
}

// opening is one kind of connection.
type opening struct {
	name       string
	roundTrips float64 // to the first answer
	open       func(ctx context.Context) (closing func(), err error)
}

func runHandshake(n Net, p *Params) (*Result, error) {
	server, phone := n.Server(), n.Clients()[0]
	if err := serveEcho(n, server); err != nil {
		return nil, err
	}
	r := &Result{}
	failed := 0
	var session *client.Socket // the last of Socket.IO's
	for _, o := range openings(n, server, phone, &session) {
		ctx, cancel := context.WithTimeout(n.Context(), patience)
		begun := n.Elapsed()
		closing, err := o.open(ctx)
		took := n.Elapsed() - begun
		if err != nil {
			failed++
		} else {
			r.took(o.name, Message{From: phone.Name(), To: server.Name(), Text: hello + o.name, Sent: begun, Received: begun + took})
			r.theory(fmt.Sprintf("%s: %v round trips", o.name, o.roundTrips), o.name, Seconds, o.roundTrips*p.rtt().Seconds())
		}
		if o.name == "polling" && err == nil && untilWithin(n, time.Minute, time.Millisecond, func() bool {
			engine := session.Manager().Engine()
			return engine != nil && engine.Transport() == engineio.WebSocket
		}) {
			r.observe("upgraded", Seconds, (n.Elapsed() - begun).Seconds())
		}
		if closing != nil {
			closing()
		}
		cancel()
		n.Sleep(time.Second)
	}
	r.figure("failed", Count, float64(failed))
	return r, nil
}

const hello = "hello from "

// serveEcho serves what the openings ask for.
func serveEcho(n Net, server Host) error {
	for _, secure := range []bool{false, true} {
		port := ":7"
		if secure {
			port = ":8"
		}
		ln, err := server.Listen(port)
		if err != nil {
			return err
		}
		n.OnClose(func() { ln.Close() })
		if secure {
			ln = tls.NewListener(ln, server.TLS())
		}
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				n.OnClose(func() { c.Close() })
				go func() {
					defer c.Close()
					io.Copy(c, c)
				}()
			}
		}()
	}
	sio := newSocketIO(n, &Params{}, "")
	sio.OnConnection(func(s *socketio.Socket) { s.On("hello", func(text string, ack func(string)) { ack(text) }) })
	n.OnClose(func() { sio.Close(context.Background()) })
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", sio)
	mux.HandleFunc("/echo", echoing(n))
	if _, err := serve(n, server, ":80", mux); err != nil {
		return err
	}
	ln, err := server.Listen(":443")
	if err != nil {
		return err
	}
	secure := &http.Server{Handler: mux, ErrorLog: quietLog()}
	go secure.Serve(tls.NewListener(ln, server.TLS()))
	n.OnClose(func() { secure.Close() })
	return nil
}

// openings are all kinds, in the order in which they are tried. One after the
// other: each on a path that is idle.
func openings(n Net, server, phone Host, session **client.Socket) []opening {
	address := func(port string) string { return net.JoinHostPort(server.Name(), port) }
	stream := func(c net.Conn, err error, text string) (func(), error) {
		if err != nil {
			return nil, err
		}
		deadlineFrom(c)
		if _, err := io.WriteString(c, text); err != nil {
			return func() { c.Close() }, err
		}
		_, err = io.ReadFull(c, make([]byte, len(text)))
		return func() { c.Close() }, err
	}
	websocket := func(ctx context.Context, url, name string) (func(), error) {
		o := &ws.DialOptions{DialContext: phone.DialContext, TLSConfig: phone.TLS(), Rand: n.Rand(name)}
		if rec := n.Recorder(); rec != nil {
			o.Recorder, o.Host = rec, phone.Name()
		}
		c, _, err := ws.Dial(ctx, url, o)
		if err != nil {
			return nil, err
		}
		if err = c.Write(ctx, ws.MessageText, []byte(hello+name)); err == nil {
			_, _, err = c.Read(ctx)
		}
		return func() { c.CloseNow() }, err
	}
	socketIO := func(ctx context.Context, name string, change func(*client.Options)) (func(), error) {
		c, err := newClient(n, phone, name, change)
		if err != nil {
			return nil, err
		}
		*session = c
		closing := func() { c.Close() }
		if err := c.Connect(ctx); err != nil {
			return closing, err
		}
		_, err = c.EmitWithAck(ctx, "hello", hello+name)
		return closing, err
	}
	return []opening{
		{"tcp", 2, func(ctx context.Context) (func(), error) {
			c, err := phone.DialContext(ctx, "tcp", address("7"))
			return stream(c, err, hello+"tcp")
		}},
		{"tls", 3, func(ctx context.Context) (func(), error) {
			c, err := phone.DialContext(ctx, "tcp", address("8"))
			if err != nil {
				return nil, err
			}
			config := phone.TLS()
			config.ServerName = server.Name()
			deadlineFrom(c)
			t := tls.Client(c, config)
			return stream(t, t.HandshakeContext(ctx), hello+"tls")
		}},
		{"websocket", 3, func(ctx context.Context) (func(), error) {
			return websocket(ctx, "ws://"+server.Name()+"/echo", "websocket")
		}},
		{"wss", 4, func(ctx context.Context) (func(), error) {
			return websocket(ctx, "wss://"+server.Name()+"/echo", "wss")
		}},
		{"socket.io", 4, func(ctx context.Context) (func(), error) {
			return socketIO(ctx, "socket.io", nil)
		}},
		{"polling", 5, func(ctx context.Context) (func(), error) {
			return socketIO(ctx, "polling", func(o *client.Options) {
				o.Transports = []engineio.Transport{engineio.Polling, engineio.WebSocket}
			})
		}},
	}
}
