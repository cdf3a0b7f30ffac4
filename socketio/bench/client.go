package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"strata/ws"
)

// client is as little of a client as can be, so that the load takes the machine
// from the servers as little as can be.
type client struct {
	conn  *ws.Conn
	ready chan error
	told  func(packet []byte)
}

// dial connects by WebSocket and joins "/". told is called with each Socket.IO
// packet after that, as it is on the wire.
func dial(url string, told func(packet []byte)) (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, _, err := ws.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, ready: make(chan error, 2), told: told}
	conn.Handle(&ws.Handler{OnMessage: c.message, OnClose: func(_ *ws.Conn, err error) { c.ready <- err }})
	select {
	case err = <-c.ready:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		conn.CloseNow()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

func (c *client) message(_ *ws.Conn, _ ws.MessageType, p []byte) {
	switch {
	case p[0] == '0':
		c.say("40")
	case p[0] == '2':
		c.say("3")
	case bytes.HasPrefix(p, []byte("40")):
		c.ready <- nil
	default:
		c.told(p[1:])
	}
}

func (c *client) say(packet string) {
	_ = c.conn.Write(context.Background(), ws.MessageText, []byte(packet)) // OnClose tells
}

func (c *client) close() { c.conn.CloseNow() }
