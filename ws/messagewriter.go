package ws

import (
	"context"
	"fmt"
	"io"
)

// messageWriter is a message that is being sent. It has the writing gate.
type messageWriter struct {
	c      *Conn
	ctx    context.Context
	typ    MessageType
	opcode opcode // of the next frame: continuation after the first
	rsv    byte   // of the next frame
	buf    pooledBuffer
	n      int   // bytes of payload in buf, which begin at maxHeader
	err    error // final; io.ErrClosedPipe after Close

	compressor *compressor // nil: the message is not compressed, or not yet
	last       window      // what later messages may refer to of this one
}

// Write adds p to the message.
func (w *messageWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.compressor != nil {
		return w.compress(p)
	}
	room := w.buf.bytes()[maxHeader:]
	if len(p) <= len(room)-w.n {
		w.n += copy(room[w.n:], p)
		return len(p), nil
	}
	if w.c.deflate != nil && w.opcode != opContinuation && !w.typ.uncompressed() {
		w.startCompressing()
		if _, err := w.compress(room[:w.n]); err != nil {
			return 0, err
		}
		return w.compress(p)
	}
	if err := w.flush(false); err != nil {
		return 0, err
	}
	if len(p) <= len(room) {
		w.n = copy(room, p)
		return len(p), nil
	}
	if err := w.send(false, p, nil); err != nil {
		return 0, err
	}
	return len(p), nil
}

// startCompressing is for a message that does not fit the buffer.
func (w *messageWriter) startCompressing() {
	d := w.c.deflate
	w.compressor = newCompressor(d.level, d.sendBits)
	w.compressor.begin(d.sent.bytes())
	w.rsv = bitRSV1
	if d.sent != nil {
		w.last.max = d.sent.max
	}
}

// compress adds p to a compressed message, and sends what is enough for a frame.
func (w *messageWriter) compress(p []byte) (int, error) {
	if _, err := w.compressor.fw.Write(p); err != nil {
		return 0, w.fail(err)
	}
	if w.last.max > 0 {
		w.last.add(p)
	}
	if out := w.compressor.out; len(out) >= smallBuffer {
		if err := w.send(false, out, nil); err != nil {
			return 0, err
		}
		w.compressor.out = out[:0]
	}
	return len(p), nil
}

// Close sends the last frame of the message.
func (w *messageWriter) Close() error {
	if w.err != nil {
		return w.err
	}
	var err error
	switch {
	case w.compressor != nil:
		err = w.closeCompressed()
	case w.opcode != opContinuation:
		// All of it is here: it is as if it were written at once.
		err = w.c.writeMessage(w.ctx, w.typ, w.buf.bytes()[maxHeader:maxHeader+w.n])
		if err != nil {
			err = w.fail(err)
		}
	default:
		err = w.flush(true)
	}
	if err == nil {
		w.release(io.ErrClosedPipe)
	}
	return err
}

func (w *messageWriter) closeCompressed() error {
	out, err := w.compressor.end()
	if err != nil {
		return w.fail(err)
	}
	if err := w.send(true, out, nil); err != nil {
		return err
	}
	w.c.deflate.messageSent(w.last.buf)
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
	return w.send(fin, payload, buf)
}

func (w *messageWriter) send(fin bool, p, buf []byte) error {
	if err := w.c.writeFrame(w.ctx, header{fin: fin, rsv: w.rsv, opcode: w.opcode}, p, buf); err != nil {
		return w.fail(err)
	}
	w.opcode, w.rsv = opContinuation, 0
	return nil
}

// fail gives the message up.
func (w *messageWriter) fail(err error) error {
	err = fmt.Errorf("ws: write: %w", err)
	if w.opcode == opContinuation {
		// Half a message is out, and no other can follow it.
		w.c.giveUp(err)
	}
	w.release(err)
	return err
}

func (w *messageWriter) release(err error) {
	w.err = err
	w.buf.put()
	if w.compressor != nil {
		w.compressor.put()
		w.compressor = nil
	}
	w.c.writing.unlock()
}
