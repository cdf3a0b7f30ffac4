package main

import (
	"context"
	"net/http"

	"strata/ws"
)

// ceiling answers as a Socket.IO server would, and is none: what it reaches is
// what the load generator, the kernel and the WebSocket below leave to be had.
func ceiling(w http.ResponseWriter, r *http.Request) {
	conn, err := ws.Accept(w, r, nil)
	if err != nil {
		return // it is answered
	}
	say := func(c *ws.Conn, text []byte) { _ = c.Write(context.Background(), ws.MessageText, text) } // OnClose has nothing to do
	conn.Handle(&ws.Handler{
		OnOpen: func(c *ws.Conn) { say(c, []byte("0{}")) },
		OnMessage: func(c *ws.Conn, _ ws.MessageType, p []byte) {
			if string(p) == "40" {
				say(c, []byte(`40{"sid":"x"}`))
				return
			}
			p[1] = '3' // the event goes back as the ack
			say(c, p)
		},
	})
}
