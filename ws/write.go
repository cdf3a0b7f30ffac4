package ws

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Write sends p as one message in one frame. It returns when the bytes are
// handed to the connection below; p is not kept and not changed. Messages of
// concurrent writers leave one after the other. That a text is UTF-8 is the
// caller's to see to; the peer fails the connection where it is not.
//
// When ctx ends the error is the context's. The connection is still good where
// nothing of the frame was sent; otherwise, and over TLS wherever the peer had to
// be waited for, it is ended. After a close the error is net.ErrClosed.
func (c *Conn) Write(ctx context.Context, typ MessageType, p []byte) error {
	if err := typ.check(); err != nil {
		return err
	}
	if !c.writing.lock(ctx, c) {
		return fmt.Errorf("ws: write: %w", c.lateError(ctx))
	}
	err := c.writeMessage(ctx, typ, p)
	c.writing.unlock()
	if err != nil {
		return fmt.Errorf("ws: write: %w", err)
	}
	return nil
}

// writeMessage sends a message in one frame, compressed where that is agreed and
// makes it smaller. The caller has the writing gate.
func (c *Conn) writeMessage(ctx context.Context, typ MessageType, p []byte) error {
	h := header{fin: true, opcode: typ.opcode()}
	if typ.uncompressed() {
		return c.writeFrame(ctx, h, p, nil)
	}
	small, compressor, err := c.deflate.compress(p)
	switch {
	case err != nil:
		return err
	case compressor == nil:
		return c.writeFrame(ctx, h, p, nil)
	}
	defer compressor.put()
	h.rsv = bitRSV1
	if err := c.writeFrame(ctx, h, small, nil); err != nil {
		return err
	}
	c.deflate.messageSent(p)
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
	if !c.writing.lock(ctx, c) {
		return nil, fmt.Errorf("ws: write: %w", c.lateError(ctx))
	}
	return &messageWriter{c: c, ctx: ctx, typ: typ, opcode: typ.opcode(), buf: newSmallBuffer()}, nil
}

// lateError is waitError for who wants to send.
func (c *Conn) lateError(ctx context.Context) error {
	if err := c.ended(); err != nil {
		return alreadyClosed(err)
	}
	return ctx.Err()
}

// writeFrame sends a frame of a message. buf is where it is put together, and p
// may already be there, at maxHeader; nil: wherever that is. A server's buf may
// be the whole frame, which then ends with p.
func (c *Conn) writeFrame(ctx context.Context, h header, p, buf []byte) error {
	if !c.frames.lock(ctx, c) {
		return c.lateError(ctx)
	}
	err := c.putFrame(ctx, h, p, buf, writeBound{timeout: c.writeTimeout})
	c.unlockFrames()
	return err
}

// writeControl sends a control frame, whose writing is bounded by the close
// timeout as well as by ctx.
func (c *Conn) writeControl(ctx context.Context, op opcode, p []byte) error {
	if !c.frames.lock(ctx, c) {
		return c.lateError(ctx)
	}
	err := c.putControl(ctx, op, p)
	c.unlockFrames()
	return err
}

// putControl is writeControl for who has the frames gate. A close frame leaves
// at once, behind what was held before it.
func (c *Conn) putControl(ctx context.Context, op opcode, p []byte) error {
	return c.putFrame(ctx, header{fin: true, opcode: op}, p, nil, writeBound{c.closeTimeout, true})
}

// putFrame holds a frame, or writes it in as few writes as there can be. The
// caller has the frames gate.
func (c *Conn) putFrame(ctx context.Context, h header, p, buf []byte, bound writeBound) error {
	if err := c.ended(); err != nil {
		return alreadyClosed(err)
	}
	if c.closeSent {
		return errCloseSent
	}
	if err := c.sendUnsent(ctx, bound); err != nil {
		return err
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
	if c.holds() || c.held.n > 0 && h.opcode == opClose {
		switch held, err := c.hold(&h, p); {
		case err != nil:
			return err
		case held && h.opcode == opClose:
			c.closeSent = true
			return c.sendHeld()
		case held:
			return nil
		}
	} else if err := c.sendHeld(); err != nil {
		return err
	}
	c.closeSent = h.opcode == opClose
	return c.sendFrame(ctx, h, p, buf, bound)
}

var errCloseSent = fmt.Errorf("the close frame is already sent: %w", net.ErrClosed)

// sendFrame writes a frame. The caller has the frames gate.
func (c *Conn) sendFrame(ctx context.Context, h header, p, buf []byte, bound writeBound) error {
	// The header goes right before the payload, wherever that is to be.
	var head [maxHeader]byte
	header := appendHeader(head[:0], h)
	var first, rest []byte
	if len(buf) == len(header)+len(p) {
		first = buf // prepared: it is not written to
	} else {
		if buf == nil {
			mem := newFrameBuffer(len(p))
			defer mem.put()
			buf = mem.bytes()
		}
		start := maxHeader - len(header)
		copy(buf[start:], header)
		n := c.encode(buf[maxHeader:], p, &h)
		first, rest = buf[start:maxHeader+n], p[n:]
	}

	w := frameWrite{c: c, ctx: ctx, bound: bound}
	n, err := w.write(first)
	begun := n > 0
	first = first[n:]
	for err == nil && len(rest) > 0 {
		if c.client {
			n = c.encode(buf, rest, &h)
			first, rest = buf[:n], rest[n:]
		} else {
			first, rest = rest, nil
		}
		n, err = w.write(first)
		first = first[n:]
	}
	w.end()
	switch {
	case err == nil:
		return nil
	case !c.goesOn(ctx, err), h.opcode == opClose:
	case !begun:
		return ctx.Err() // nothing is on the wire
	case c.keepUnsent:
		unsent := make([]byte, len(first)+len(rest))
		c.encode(unsent[copy(unsent, first):], rest, &h)
		c.unsent = &unsent
		return nil
	}
	return c.writeError(ctx, err, bound.timeout)
}

// goesOn reports whether the connection may go on after a Write of its that
// failed: the context ended it, and TLS does not count what is half written.
func (c *Conn) goesOn(ctx context.Context, err error) bool {
	_, isTLS := c.conn.(*tls.Conn)
	return ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) && !isTLS
}

// sendUnsent sends the rest of a frame whose sender waits no longer. The caller has
// the frames gate.
func (c *Conn) sendUnsent(ctx context.Context, bound writeBound) error {
	if c.unsent == nil {
		return nil
	}
	w := frameWrite{c: c, ctx: ctx, bound: bound}
	n, err := w.write(*c.unsent)
	w.end()
	*c.unsent = (*c.unsent)[n:]
	switch {
	case err == nil:
		c.unsent = nil
		return nil
	case c.goesOn(ctx, err):
		return ctx.Err()
	}
	return c.writeError(ctx, err, bound.timeout)
}

// writeBound is how long writing may take.
type writeBound struct {
	timeout time.Duration // 0: however long
	exactly bool          // otherwise up to half of it less, which costs less
}

// frameWrite is what is written between looks at what else is to be: a frame, or
// those that were held. It ends with end.
type frameWrite struct {
	c     *Conn
	ctx   context.Context
	bound writeBound
	by    *deadline // nil: nothing had to wait yet
	stop  func() bool
}

// write writes p, and returns how much of it was. What a socket of the kernel's
// takes at once, which is nearly everything, needs neither a deadline nor to hear
// of the context.
func (w *frameWrite) write(p []byte) (n int, err error) {
	if w.c.kernel != nil && w.by == nil {
		n, err = w.c.writeKernel(p)
		if err != syscall.EAGAIN {
			return n, err
		}
		p = p[n:]
		w.bound.exactly = true // a deadline that stays would hit a later write
	}
	if w.by == nil {
		w.by = w.c.writeBy()
		w.stop = w.by.watch(w.ctx)
	}
	for {
		w.allow()
		part := p
		if w.bound.timeout != 0 {
			part = p[:min(len(p), boundedWrite)]
		}
		k, err := w.c.conn.Write(part)
		if k < leastWrite && w.mayAsk(err) {
			w.by.setFrame(w.c.now().Add(askTime))
			var more int
			more, err = w.c.conn.Write(part[k:])
			k += more
		}
		n, p = n+k, p[k:]
		if len(p) == 0 || err != nil && (k < leastWrite || !w.mayAsk(err)) {
			return n, err
		}
	}
}

// mayAsk reports whether the error of a write is that it took too long, which need
// not mean that the peer does not read: a socket says that there is room again when
// much of its buffer is free, a third in Linux, half in gVisor, and that may be a
// megabyte for a slow path. So it is asked once more. TLS takes nothing after a
// write that failed.
func (w *frameWrite) mayAsk(err error) bool {
	_, isTLS := w.c.conn.(*tls.Conn)
	return w.bound.timeout != 0 && errors.Is(err, os.ErrDeadlineExceeded) && !isTLS
}

// askTime is long enough for a write that need not wait.
const askTime = time.Millisecond

// A path may take what was held, or a large message, slowly, and yet without a
// pause: a write's timeout is for boundedWrite, and begins again where at least
// leastWrite was taken.
const (
	boundedWrite = 64 << 10
	leastWrite   = 1 << 10
)

// allow sets when a write that waits has waited for too long.
func (w *frameWrite) allow() {
	switch {
	case w.bound.timeout == 0:
		w.by.noFrame()
	case w.bound.exactly:
		w.by.setFrame(w.c.now().Add(w.bound.timeout))
	default:
		w.by.allowFrame(w.c.now(), w.bound.timeout)
	}
}

func (w *frameWrite) end() {
	if w.by == nil {
		return
	}
	w.by.unwatch(w.stop)
	if w.bound.exactly {
		w.by.noFrame()
	}
}

// writeError ends the connection for an error of its Write, and says what that
// means.
func (c *Conn) writeError(ctx context.Context, err error, timeout time.Duration) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if ctx.Err() != nil {
			err = ctx.Err()
		} else {
			err = fmt.Errorf("the peer does not read: it took too little within %v: %w", cmp.Or(timeout, c.writeTimeout, c.closeTimeout), err)
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
