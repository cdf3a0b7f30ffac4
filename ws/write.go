package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// Write sends p as one message in one frame. It returns when the bytes are
// handed to the connection below; p is not kept and not changed. Messages of
// concurrent writers leave one after the other. That a text is UTF-8 is the
// caller's to see to; the peer fails the connection where it is not.
//
// When ctx ends the error is the context's. The connection is still good where
// nothing of the frame was sent; otherwise it is ended. After a close the error
// is net.ErrClosed.
func (c *Conn) Write(ctx context.Context, typ MessageType, p []byte) error {
	if err := typ.check(); err != nil {
		return err
	}
	if !c.writing.lock(ctx, c.done) {
		return fmt.Errorf("ws: write: %w", c.lateError(ctx))
	}
	defer c.writing.unlock()
	buf := newFrameBuffer(len(p))
	defer buf.put()
	if err := c.writeFrame(ctx, header{fin: true, opcode: opcode(typ)}, p, buf.bytes()); err != nil {
		return fmt.Errorf("ws: write: %w", err)
	}
	return nil
}

// Writer sends one message whose size need not be known: what is written leaves
// in fragments, the last of them with Close. Other messages wait until then;
// control frames go between. ctx is for the whole message: when it ends with
// part of the message sent, the connection is ended.
func (c *Conn) Writer(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	if err := typ.check(); err != nil {
		return nil, err
	}
	if !c.writing.lock(ctx, c.done) {
		return nil, fmt.Errorf("ws: write: %w", c.lateError(ctx))
	}
	return &messageWriter{c: c, ctx: ctx, opcode: opcode(typ), buf: newFrameBuffer(0)}, nil
}

func (t MessageType) check() error {
	if t != MessageText && t != MessageBinary {
		return fmt.Errorf("ws: write: %v; use MessageText or MessageBinary", t)
	}
	return nil
}

// lateError is waitError for who wants to send.
func (c *Conn) lateError(ctx context.Context) error {
	if err := c.ended(); err != nil {
		return alreadyClosed(err)
	}
	return ctx.Err()
}

// messageWriter is a message that is being sent. It has the writing gate.
type messageWriter struct {
	c      *Conn
	ctx    context.Context
	opcode opcode // of the next frame: continuation after the first
	buf    frameBuffer
	n      int   // bytes of payload in buf, which begin at maxHeader
	err    error // final; io.ErrClosedPipe after Close
}

// Write adds p to the message.
func (w *messageWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	room := w.buf.bytes()[maxHeader:]
	if len(p) <= len(room)-w.n {
		w.n += copy(room[w.n:], p)
		return len(p), nil
	}
	if err := w.flush(false); err != nil {
		return 0, err
	}
	if len(p) <= len(room) {
		w.n = copy(room, p)
		return len(p), nil
	}
	big := newFrameBuffer(len(p))
	defer big.put()
	if err := w.send(header{opcode: w.opcode}, p, big.bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close sends the last frame of the message.
func (w *messageWriter) Close() error {
	if w.err != nil {
		return w.err
	}
	if err := w.flush(true); err != nil {
		return err
	}
	w.release(io.ErrClosedPipe)
	return nil
}

// flush sends what is in the buffer; an empty frame only as the last.
func (w *messageWriter) flush(fin bool) error {
	if w.n == 0 && !fin {
		return nil
	}
	buf := w.buf.bytes()
	payload := buf[maxHeader : maxHeader+w.n]
	w.n = 0
	return w.send(header{fin: fin, opcode: w.opcode}, payload, buf)
}

func (w *messageWriter) send(h header, p, buf []byte) error {
	err := w.c.writeFrame(w.ctx, h, p, buf)
	if err != nil {
		err = fmt.Errorf("ws: write: %w", err)
		if w.opcode == opContinuation {
			// Half a message is out, and no other can follow it.
			w.c.end(err)
		}
		w.release(err)
		return err
	}
	w.opcode = opContinuation
	return nil
}

func (w *messageWriter) release(err error) {
	w.err = err
	w.buf.put()
	w.c.writing.unlock()
}

// writeFrame sends a frame of a message. buf is where it is put together; p may
// already be there, at maxHeader.
func (c *Conn) writeFrame(ctx context.Context, h header, p, buf []byte) error {
	if !c.frames.lock(ctx, c.done) {
		return c.lateError(ctx)
	}
	err := c.putFrame(ctx, h, p, buf)
	c.unlockFrames()
	return err
}

// writeControl sends a control frame, whose writing is bounded by the close
// timeout as well as by ctx.
func (c *Conn) writeControl(ctx context.Context, op opcode, p []byte) error {
	if !c.frames.lock(ctx, c.done) {
		return c.lateError(ctx)
	}
	err := c.putControl(ctx, op, p)
	c.unlockFrames()
	return err
}

// putControl is writeControl for who has the frames gate.
func (c *Conn) putControl(ctx context.Context, op opcode, p []byte) error {
	c.writeDeadline.setControl(c.now().Add(c.closeTimeout))
	buf := newFrameBuffer(len(p))
	err := c.putFrame(ctx, header{fin: true, opcode: op}, p, buf.bytes())
	buf.put()
	c.writeDeadline.setControl(never)
	return err
}

// putFrame writes a frame in as few writes as there can be. The caller has the
// frames gate.
func (c *Conn) putFrame(ctx context.Context, h header, p, buf []byte) error {
	if err := c.ended(); err != nil {
		return alreadyClosed(err)
	}
	if c.closeSent {
		return fmt.Errorf("the close frame is already sent: %w", net.ErrClosed)
	}
	h.length = int64(len(p))
	if c.client {
		var err error
		h.masked = true
		if h.key, err = c.masks.next(); err != nil {
			return c.end(err)
		}
	}
	c.tracer.frameOut(h, p)
	c.closeSent = h.opcode == opClose

	// The header goes right before the payload, wherever that is to be.
	var head [maxHeader]byte
	header := appendHeader(head[:0], h)
	start := maxHeader - len(header)
	copy(buf[start:], header)
	n := c.encode(buf[maxHeader:], p, &h)
	first, rest := buf[start:maxHeader+n], p[n:]

	stop := c.writeDeadline.watch(ctx)
	sent, err := c.conn.Write(first)
	for err == nil && len(rest) > 0 {
		if !c.client {
			_, err = c.conn.Write(rest)
			break
		}
		n := c.encode(buf, rest, &h)
		_, err = c.conn.Write(buf[:n])
		rest = rest[n:]
	}
	c.writeDeadline.unwatch(stop)
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if ctx.Err() != nil {
			err = ctx.Err()
			if _, isTLS := c.conn.(*tls.Conn); sent == 0 && !isTLS && h.opcode != opClose {
				return err // nothing is on the wire
			}
		} else {
			err = fmt.Errorf("the peer does not read: %v frame not sent within %v: %w", h.opcode, c.closeTimeout, err)
		}
	}
	return c.end(err)
}

// encode puts as much of p as there is room for into dst, masked where this is
// a client, and returns how much that is. p may be where it is put to.
func (c *Conn) encode(dst, p []byte, h *header) int {
	n := min(len(p), len(dst))
	switch {
	case n == 0:
	case c.client:
		h.key = mask(dst, p[:n], h.key)
	case &dst[0] != &p[0]:
		copy(dst, p[:n])
	}
	return n
}
