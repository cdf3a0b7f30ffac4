package ws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Read returns the next message, in memory that is the caller's. Pings that
// come before it are answered.
//
// After the peer's close frame, or ours, the error is a [CloseError]; after the
// peer broke the protocol, a [*ProtocolError]; where the connection below ended
// without a close frame, io.ErrUnexpectedEOF or the connection's own error; after
// Close or CloseNow here, net.ErrClosed. All of these are final. When ctx ends
// the error is the context's, and the next Read goes on where this one stopped.
// (An answer to a ping or close frame that is being sent is finished first, which
// may take the CloseTimeout.)
func (c *Conn) Read(ctx context.Context) (MessageType, []byte, error) {
	typ, p, err := c.ReadAppend(ctx, nil)
	if err == nil && p == nil {
		p = []byte{}
	}
	return typ, p, err
}

// ReadAppend is Read into memory that the caller brings: it appends the message
// to dst and returns the extended slice. Where the capacity suffices nothing is
// allocated. After an error the slice returned is dst.
func (c *Conn) ReadAppend(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	if !c.reading.lock(ctx, c) {
		return 0, dst, fmt.Errorf("ws: read: %w", c.waitError(ctx))
	}
	defer c.reading.unlock()
	if err := c.finishReader(ctx); err != nil {
		return 0, dst, fmt.Errorf("ws: read: %w", err)
	}
	p, err := c.readMessage(ctx, dst)
	if err != nil {
		if c.ended() == nil && len(p) > len(dst) {
			rest := bytes.Clone(p[len(dst):])
			c.partial = &rest
		}
		return 0, dst, fmt.Errorf("ws: read: %w", err)
	}
	typ := MessageType(c.recv.typ)
	c.endMessage()
	return typ, p, nil
}

// directRead is from how many bytes on a frame's payload is read to where it is
// wanted, and not through the read buffer.
const directRead = 32 << 10

// readMessage appends the message to p until it is complete. On an error what
// came so far is appended too.
func (c *Conn) readMessage(ctx context.Context, p []byte) ([]byte, error) {
	if c.partial != nil {
		p = append(p, *c.partial...)
		c.partial = nil
	}
	for {
		if err := c.nextPayload(ctx); err != nil {
			return p, err
		}
		if c.messageDone() {
			return p, nil
		}
		// What a frame announces is not memory that we give: the room grows
		// with what has come, and fits exactly where a small frame is there.
		room := c.inflated()
		if room == 0 {
			room = int(min(c.recv.left, int64(max(c.in.len(), len(p), smallBuffer))))
		}
		if cap(p)-len(p) < room {
			p = slices.Grow(p, room)
		}
		n, err := c.readPayload(ctx, p[len(p):cap(p)])
		p = p[:len(p)+n]
		if err != nil {
			return p, err
		}
	}
}

// messageDone reports whether the message is complete, and all of it was taken.
func (c *Conn) messageDone() bool {
	return c.recv.messageDone() && (!c.recv.compressed || c.deflate.done)
}

// endMessage makes ready for the next message.
func (c *Conn) endMessage() {
	if c.recv.compressed {
		c.deflate.end()
	}
	c.recv.endMessage()
}

// inflated is how many bytes of the message are inflated and not taken.
func (c *Conn) inflated() int {
	if !c.recv.compressed {
		return 0
	}
	return len(c.deflate.out)
}

// Reader returns the next message's type and a reader of it that ends with
// io.EOF. ctx is for the reader too. What is left unread is skipped by the next
// Read or Reader, after which the reader fails. The errors are those of
// [Conn.Read].
func (c *Conn) Reader(ctx context.Context) (MessageType, io.Reader, error) {
	if !c.reading.lock(ctx, c) {
		return 0, nil, fmt.Errorf("ws: read: %w", c.waitError(ctx))
	}
	defer c.reading.unlock()
	err := c.finishReader(ctx)
	if err == nil {
		err = c.nextPayload(ctx)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("ws: read: %w", err)
	}
	c.reader = &messageReader{c: c, ctx: ctx}
	return MessageType(c.recv.typ), c.reader, nil
}

// messageReader reads one message.
type messageReader struct {
	c   *Conn
	ctx context.Context
	eof bool // under the connection's reading gate
}

var errStaleReader = errors.New("ws: read: this message's reader was given up for the next message")

// Read reads from the message.
func (r *messageReader) Read(p []byte) (int, error) {
	c := r.c
	if !c.reading.lock(r.ctx, c) {
		return 0, fmt.Errorf("ws: read: %w", c.waitError(r.ctx))
	}
	defer c.reading.unlock()
	if r.eof {
		return 0, io.EOF
	}
	if c.reader != r {
		if c.closing.Load() {
			return 0, fmt.Errorf("ws: read: %w", c.closedError())
		}
		return 0, errStaleReader
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.partial != nil {
		n := copy(p, *c.partial)
		if *c.partial = (*c.partial)[n:]; len(*c.partial) == 0 {
			c.partial = nil
		}
		return n, nil
	}
	for {
		if err := c.nextPayload(r.ctx); err != nil {
			return 0, fmt.Errorf("ws: read: %w", err)
		}
		if c.messageDone() {
			r.eof = true
			c.reader, c.partial = nil, nil
			c.endMessage()
			return 0, io.EOF
		}
		n, err := c.readPayload(r.ctx, p)
		if err != nil {
			return 0, fmt.Errorf("ws: read: %w", err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// finishReader skips what a Reader left of its message. The caller has the
// reading gate.
func (c *Conn) finishReader(ctx context.Context) error {
	if c.reader == nil {
		return c.ended()
	}
	if err := c.skipMessage(ctx); err != nil {
		return err
	}
	c.reader = nil
	return nil
}

// skipMessage reads what is left of the message under way, or the next one.
func (c *Conn) skipMessage(ctx context.Context) error {
	c.partial = nil
	buf := newSmallBuffer()
	defer buf.put()
	for {
		if err := c.nextPayload(ctx); err != nil {
			return err
		}
		if c.messageDone() {
			c.endMessage()
			return nil
		}
		if _, err := c.readPayload(ctx, buf.bytes()); err != nil {
			return err
		}
	}
}

// nextPayload reads frames, and sees to control frames, until there is payload
// to read or the message is complete.
func (c *Conn) nextPayload(ctx context.Context) error {
	if err := c.ended(); err != nil {
		return err
	}
	for c.recv.left == 0 && (c.recv.typ == opContinuation || !c.recv.fin) {
		if c.recv.compressed && (c.deflate.busy() || len(c.deflate.out) > 0) {
			return nil
		}
		f, n, violation := c.recv.next(c.in.bytes(), c.readLimit.Load())
		if violation != nil {
			return c.fail(ctx, violation)
		}
		if n == 0 {
			if err := c.fill(ctx); err != nil {
				return err
			}
			continue
		}
		c.in.take(n)
		if !f.opcode.isControl() {
			c.tracer.frameIn(f, c.recv.typ, c.recv.compressed)
			if f.rsv != 0 {
				c.deflate.begin()
			}
			continue
		}
		c.tracer.frameIn(f, 0, false)
		if err := c.control(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// control sees to a control frame.
func (c *Conn) control(ctx context.Context, f frame) error {
	switch f.opcode {
	case opPing:
		err := c.answerPing(f.payload)
		if err == nil {
			c.events.ping(c, f.payload)
		}
		return err
	case opPong:
		c.pings.Load().answered(f.payload)
	case opClose:
		return c.closeReceived(ctx, f.payload)
	}
	return nil
}

// readPayload reads some of the message into p: of the current frame's payload,
// or of what it is inflated to. It may be nothing.
func (c *Conn) readPayload(ctx context.Context, p []byte) (int, error) {
	if c.recv.compressed {
		return c.readInflated(ctx, p)
	}
	p = p[:min(int64(len(p)), c.recv.left)]
	var n int
	if c.in.len() == 0 && len(p) >= directRead {
		// Straight to where it is wanted: a large message is not copied.
		var err error
		if n, err = c.readConn(ctx, p); err != nil {
			return 0, err
		}
	} else {
		if c.in.len() == 0 {
			if err := c.fill(ctx); err != nil {
				return 0, err
			}
		}
		n = copy(p, c.in.bytes())
		c.in.take(n)
	}
	return n, c.take(ctx, p[:n])
}

// readInflated is readPayload of a message that is compressed.
func (c *Conn) readInflated(ctx context.Context, p []byte) (int, error) {
	d := c.deflate
	switch {
	case len(d.out) > 0:
		return d.take(p), nil
	case d.busy():
		// What came out before a byte that is wrong is judged first.
		broken := d.inflate(c.readLimit.Load())
		violation := c.recv.content(d.out)
		if violation == nil {
			violation = broken
		}
		if violation != nil {
			return 0, c.fail(ctx, violation)
		}
		return d.take(p), nil
	case c.recv.left > 0:
		if c.in.len() == 0 {
			if err := c.fill(ctx); err != nil {
				return 0, err
			}
		}
		n := int(min(c.recv.left, int64(c.in.len())))
		d.input = c.in.bytes()[:n]
		c.in.take(n)
		return 0, c.take(ctx, d.input)
	case c.recv.messageDone():
		if d.finish(c.recv.size) {
			return 0, nil
		}
		violation := d.check()
		if violation == nil {
			violation = c.recv.contentEnd()
		}
		if violation != nil {
			return 0, c.fail(ctx, violation)
		}
	}
	return 0, nil
}

// take has payload unmasked and checked.
func (c *Conn) take(ctx context.Context, p []byte) error {
	violation := c.recv.payload(p)
	if c.tracer != nil && !c.recv.compressed {
		c.tracer.payloadIn(p)
	}
	if violation != nil {
		return c.fail(ctx, violation)
	}
	return nil
}

// fill reads more into the read buffer: at least one byte, or an error. Any error
// but the context's, and errWouldBlock, ends the connection. While it waits for a
// connection of the kernel's it has no buffer.
func (c *Conn) fill(ctx context.Context) error {
	if c.events.nonBlocking() {
		return c.tryFill()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.startWait()
	defer c.endWait()
	var err error
	if c.kernel != nil {
		stop := c.watchRead(ctx)
		err = c.fillKernel(true)
		c.unwatchRead(stop)
		if err != nil {
			return c.readError(ctx, err)
		}
	} else {
		space := c.in.space(c.in.eager())
		var n int
		if n, err = c.readConn(ctx, space); err != nil {
			return err
		}
		c.in.grew(n, len(space))
	}
	c.keepAlive.heard()
	return nil
}

// readConn reads from the connection below: at least one byte, or an error. Any
// error but the context's, and errWouldBlock, ends the connection.
func (c *Conn) readConn(ctx context.Context, p []byte) (int, error) {
	if c.events.nonBlocking() {
		c.events.letGo()
		n, err := c.tryRead(p)
		if n > 0 {
			c.keepAlive.heard()
		}
		return n, c.tryError(n, err)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.startWait()
	defer c.endWait()
	for {
		stop := c.watchRead(ctx)
		n, err := c.conn.Read(p)
		c.unwatchRead(stop)
		switch {
		case n > 0:
			c.keepAlive.heard()
			return n, nil // an error that came with it comes again
		case err != nil:
			return 0, c.readError(ctx, err)
		}
	}
}

// readError is what an error of the connection's means; it ends the connection
// but where it is the context's.
func (c *Conn) readError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("the peer did not finish the closing handshake within %v: %w", c.closeTimeout, err)
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("the peer ended the connection without a close frame: %w", io.ErrUnexpectedEOF)
	}
	return c.end(err)
}
