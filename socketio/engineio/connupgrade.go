package engineio

import (
	"context"
	"errors"
	"slices"

	"strata/trace"
	"strata/ws"
)

func (c *Conn) wantsUpgrade() bool {
	return c.mayUpgrade && !c.opts.NoUpgrade && slices.Contains(c.transports, WebSocket)
}

// upgrade changes the session from long-polling to a WebSocket, as the server's
// side of it expects: see [Session] and upgrade.go. Where the WebSocket cannot
// be had the session stays what it is.
func (c *Conn) upgrade() {
	ctx, cancel := context.WithTimeout(c.requests, DefaultUpgradeTimeout)
	defer cancel()
	conn, err := c.dialWebSocket(ctx)
	if err != nil {
		return
	}
	c.mu.Lock()
	over := c.state != open
	if !over {
		c.probe = conn
	}
	c.mu.Unlock()
	if over || c.probed(ctx, conn) != nil {
		conn.CloseNow()
		c.mu.Lock()
		c.probe = nil
		c.mu.Unlock()
		return
	}
	if !c.pause() {
		return // the session has ended, and the probe with it
	}
	if err := writePacket(conn, outgoingPacket(packetUpgrade, ""), false); err != nil {
		c.end(TransportError, err)
		c.over()
		return
	}
	c.mu.Lock()
	if c.state == closed {
		c.mu.Unlock()
		c.over()
		return
	}
	c.conn, c.probe, c.transport, c.paused = conn, nil, WebSocket, false
	if c.trace.on() {
		c.flow = trace.FlowOf(conn.LocalAddr(), conn.RemoteAddr())
	}
	if len(c.queue.packets) > 0 || c.state == closing {
		c.kick()
	}
	c.mu.Unlock()
	c.http.CloseIdleConnections()
	if c.opts.OnUpgrade != nil {
		c.opts.OnUpgrade()
	}
	c.read()
}

// probed asks over the WebSocket whether it works.
func (c *Conn) probed(ctx context.Context, conn *ws.Conn) error {
	if err := writePacket(conn, outgoingPacket(packetPing, "probe"), false); err != nil {
		return err
	}
	p, err := readPacket(ctx, conn)
	if err != nil {
		return err
	}
	if p.typ != packetPong || string(p.data) != "probe" {
		return errors.New("the answer to the probe is none")
	}
	return nil
}

// pause waits until no request is under way, and has none begun. It reports
// false where the session ends meanwhile.
func (c *Conn) pause() bool {
	c.mu.Lock()
	if c.state == closed {
		c.mu.Unlock()
		return false
	}
	c.paused = true
	idle := make(chan struct{})
	c.idle = idle
	c.rested()
	c.mu.Unlock()
	<-idle
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		if !c.polling {
			go c.over() // nobody reads any more
		}
		return false
	}
	return true
}
