package ws

import (
	"context"
	"fmt"
	"net"
	"time"
)

var never time.Time

// Close closes the connection with the handshake of RFC 6455 §7: it sends a
// close frame, waits for the peer's (messages that still come are discarded
// unless another goroutine reads them) and for the end of the TCP connection,
// which the server closes first. All of it takes at most the CloseTimeout, after
// which the connection is ended anyway and an error says so.
//
// code is one that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999, or
// [StatusNoStatusRcvd] for an empty close frame; with another nothing is done.
// reason is cut after 123 bytes. Where the connection is already closed, the
// error is net.ErrClosed.
func (c *Conn) Close(code StatusCode, reason string) error {
	payload, err := closePayload(code, reason)
	if err != nil {
		return err
	}
	if !c.closing.CompareAndSwap(false, true) {
		c.waitEnd() // the first Close is bounded
		return fmt.Errorf("ws: close: %w", c.closedError())
	}
	c.boundClosing()
	if err := c.writeControl(context.Background(), opClose, payload); err != nil {
		if c.ended() == nil {
			// The peer was first; its close frame is being answered.
			c.waitEnd()
		}
		return fmt.Errorf("ws: close: %w", c.closedError())
	}
	if c.handled() {
		c.boundEvents()
		return nil
	}
	for c.reading.lock(context.Background(), c) {
		c.reader = nil // its message is discarded; it must not go on with the next
		err := c.skipMessage(context.Background())
		c.reading.unlock()
		if err != nil {
			break
		}
	}
	<-c.Done()
	if err := c.ended(); CloseStatus(err) == -1 {
		return fmt.Errorf("ws: close: %w", err)
	}
	return nil
}

// waitEnd waits until the connection has ended, unless there is a Handler, whose
// callbacks may be who asks.
func (c *Conn) waitEnd() {
	if !c.handled() {
		<-c.Done()
	}
}

// closedError is why it is too late for something.
func (c *Conn) closedError() error {
	if err := c.ended(); err != nil {
		return alreadyClosed(err)
	}
	return fmt.Errorf("the closing handshake is under way: %w", net.ErrClosed)
}

// handled reports whether there is a Handler.
func (c *Conn) handled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events != nil
}

// CloseNow ends the connection without a handshake: the peer sees the end of
// TCP, which its WebSocket reports as 1006. Everybody who waits on the
// connection is woken. The error is net.ErrClosed where it was already closed.
func (c *Conn) CloseNow() error {
	if err := c.ended(); err != nil {
		<-c.Done()
		return fmt.Errorf("ws: close: %w", alreadyClosed(err))
	}
	c.end(errClosedNow)
	<-c.Done()
	return nil
}

var errClosedNow = fmt.Errorf("closed without a handshake: %w", net.ErrClosed)

// boundClosing bounds all that is still to come on the connection.
func (c *Conn) boundClosing() {
	t := c.now().Add(c.closeTimeout)
	c.readBy().setClosing(t)
	c.writeBy().setClosing(t)
}

// closeReceived answers the peer's close frame, unless ours was sent first, and
// ends the connection: the server at once, the client after the server (RFC 6455
// §7.1.1). It returns the error of all reads from now on.
func (c *Conn) closeReceived(ctx context.Context, payload []byte) error {
	c.events.hurry() // before all that waits for the peer
	ce, violation := parseClosePayload(payload)
	if violation != nil {
		return c.fail(ctx, violation)
	}
	if c.closing.Load() {
		c.decide(alreadyClosed(ce))
	} else {
		c.decide(ce)
	}
	c.boundClosing()
	answer := payload
	if len(answer) > 2 {
		answer = answer[:2] // the code; the reason was the peer's
	}
	// This fails where ours was sent first, or the connection is gone.
	_ = c.writeControl(context.Background(), opClose, answer)
	if c.ended() == nil && (c.client || c.in.len() > 0) {
		c.linger(ctx)
	}
	return c.end(ce)
}

// fail fails the connection (RFC 6455 §7.1.7): the peer is told why, and TCP
// ends. It returns the error of all reads from now on.
func (c *Conn) fail(ctx context.Context, violation *ProtocolError) error {
	c.events.hurry()
	c.decide(violation)
	c.boundClosing()
	payload, err := closePayload(violation.Code, violation.Reason)
	if err != nil {
		panic(err) // our own violations have codes of the registry
	}
	if err := c.writeControl(context.Background(), opClose, payload); err == nil {
		c.linger(ctx)
	}
	return c.end(violation)
}

// linger reads and discards until the peer ends TCP, within the bound of the
// closing: a connection that is closed with unread data is reset, and the reset
// overtakes the close frame that says why. A server says first that it will send
// no more; where the connection cannot say that, it is closed at once.
func (c *Conn) linger(ctx context.Context) {
	if !c.client {
		half, ok := c.conn.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			return
		}
	}
	stop := c.watchRead(ctx)
	defer c.unwatchRead(stop)
	buf := newSmallBuffer()
	defer buf.put()
	for {
		if _, err := c.conn.Read(buf.bytes()); err != nil {
			return
		}
	}
}
