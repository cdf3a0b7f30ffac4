package ws

import (
	"context"
	"fmt"
	"sync"
)

// PreparedMessage is a message that is encoded, and compressed, once for many
// connections.
type PreparedMessage struct {
	typ     MessageType
	payload []byte
	frame   []byte // as a server sends it, not compressed

	mu         sync.Mutex
	compressed map[preparedKey]*preparedFrame
}

// preparedKey is by what compressed messages differ: they refer to nothing
// before them, so that every connection can have them.
type preparedKey struct{ level, bits int }

type preparedFrame struct {
	payload []byte // nil: it does not become smaller
	frame   []byte
}

// NewPreparedMessage prepares a message; p must not be changed any more.
func NewPreparedMessage(typ MessageType, p []byte) (*PreparedMessage, error) {
	if err := typ.check(); err != nil {
		return nil, err
	}
	return &PreparedMessage{
		typ: typ, payload: p,
		frame:      appendFrame(header{fin: true, opcode: typ.opcode()}, p),
		compressed: make(map[preparedKey]*preparedFrame),
	}, nil
}

func appendFrame(h header, p []byte) []byte {
	h.length = int64(len(p))
	return append(appendHeader(make([]byte, 0, maxHeader+len(p)), h), p...)
}

// forDeflate is the message compressed for d. Connections that ask at once wait
// for the first of them.
func (m *PreparedMessage) forDeflate(d *deflate) (*preparedFrame, error) {
	key := preparedKey{d.level, d.sendBits}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.compressed[key]; f != nil {
		return f, nil
	}
	c := newCompressor(d.level, d.sendBits)
	defer c.put()
	out, err := c.message(m.payload, nil)
	if err != nil {
		return nil, err
	}
	f := &preparedFrame{}
	if len(out) < len(m.payload) {
		f.frame = appendFrame(header{fin: true, rsv: bitRSV1, opcode: m.typ.opcode()}, out)
		f.payload = f.frame[len(f.frame)-len(out):]
	}
	m.compressed[key] = f
	return f, nil
}

// WritePrepared is [Conn.Write] of a prepared message. A server writes the frame
// as it was prepared; a client masks it anew.
func (c *Conn) WritePrepared(ctx context.Context, m *PreparedMessage) error {
	if !c.writing.lock(ctx, c) {
		return fmt.Errorf("ws: write: %w", c.lateError(ctx))
	}
	err := c.writePrepared(ctx, m)
	c.writing.unlock()
	if err != nil {
		return fmt.Errorf("ws: write: %w", err)
	}
	return nil
}

func (c *Conn) writePrepared(ctx context.Context, m *PreparedMessage) error {
	h := header{fin: true, opcode: m.typ.opcode()}
	payload, whole := m.payload, m.frame
	if d := c.deflate; d != nil && len(m.payload) >= d.threshold && !m.typ.uncompressed() {
		f, err := m.forDeflate(d)
		if err != nil {
			return err
		}
		if f.payload != nil {
			h.rsv, payload, whole = bitRSV1, f.payload, f.frame
		}
	}
	if c.client {
		whole = nil
	}
	if err := c.writeFrame(ctx, h, payload, whole); err != nil {
		return err
	}
	if h.rsv != 0 {
		c.deflate.messageSent(m.payload)
	}
	return nil
}
