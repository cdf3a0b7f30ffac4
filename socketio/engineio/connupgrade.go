package engineio

import (
	"context"
	"errors"
	"slices"
	"time"
)

// webTransportTime is how long WebTransport may take until a WebSocket is tried
// instead: where UDP does not get through nothing says so.
const webTransportTime = 3 * time.Second

// betters are the transports that the session may change to, the best first.
func (c *Conn) betters() []Transport {
	var better []Transport
	for _, t := range []Transport{WebTransport, WebSocket} {
		if slices.Contains(c.transports, t) && slices.Contains(c.upgrades, string(t)) && !c.opts.NoUpgrade {
			better = append(better, t)
		}
	}
	return better
}

// upgrade changes the session from long-polling to a WebSocket or WebTransport,
// as the server's side of it expects: see [Session] and upgrade.go. Where none
// can be had the session stays what it is.
func (c *Conn) upgrade() {
	for _, t := range c.betters() {
		bound := DefaultUpgradeTimeout
		if t == WebTransport {
			bound = webTransportTime
		}
		if c.upgradeTo(t, bound) {
			return
		}
	}
}

// upgradeTo tries one transport. It reports true where nothing is left to try:
// it worked, or the session is over.
func (c *Conn) upgradeTo(t Transport, bound time.Duration) bool {
	ctx, cancel := context.WithTimeout(c.requests, bound)
	defer cancel()
	conn, err := c.dialCarrier(ctx, t)
	if err != nil {
		return c.requests.Err() != nil
	}
	c.mu.Lock()
	over := c.state != open
	if !over {
		c.probe = conn
	}
	c.mu.Unlock()
	if over || c.probed(ctx, conn) != nil {
		conn.closeNow()
		c.mu.Lock()
		c.probe = nil
		c.mu.Unlock()
		return over
	}
	if !c.pause() {
		return true // the session has ended, and the probe with it
	}
	if err := conn.write(outgoingPacket(packetUpgrade, "")); err != nil {
		c.end(TransportError, err)
		c.over()
		return true
	}
	c.mu.Lock()
	if c.state == closed {
		c.mu.Unlock()
		c.over()
		return true
	}
	c.conn, c.probe, c.transport, c.paused = conn, nil, t, false
	c.flow = c.trace.flowOf(conn)
	if len(c.queue.packets) > 0 || c.state == closing {
		c.kick()
	}
	c.mu.Unlock()
	c.http.CloseIdleConnections()
	if c.opts.OnUpgrade != nil {
		c.opts.OnUpgrade()
	}
	c.read()
	return true
}

// probed asks over the new connection whether it works.
func (c *Conn) probed(ctx context.Context, conn carrier) error {
	if err := conn.write(outgoingPacket(packetPing, "probe")); err != nil {
		return err
	}
	p, err := conn.read(ctx)
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
