package ws

import "sync"

// deflate is a connection's permessage-deflate (RFC 7692).
type deflate struct {
	level, threshold int

	// Sending; whoever has the writing gate.
	sendBits int
	sent     *window // nil: no context takeover

	// Receiving; whoever has the reading gate.
	receiveWindow int       // bytes
	received      *window   // nil: no context takeover
	in            *inflater // of the message under way; nil: none, or it is not compressed
	input         []byte    // unmasked, not inflated yet; in the read buffer
	again         bool      // the inflater is to be run again, also without input
	out           []byte    // inflated, not taken yet; in the inflater
	size          int64     // bytes of the message that were inflated
	tail          bool      // the message's end was given to the inflater
	done          bool      // all of the message was inflated
}

func newDeflate(o *Compression, p *deflateParams, client bool) *deflate {
	d := &deflate{level: max(1, o.Level), threshold: o.Threshold}
	if d.threshold == 0 {
		d.threshold = defaultThreshold
	}
	history := o.History
	if history <= 0 {
		history = defaultHistory
	}
	sendBits, sendNo, receiveBits, receiveNo := p.serverBits, p.serverNoTakeover, p.clientBits, p.clientNoTakeover
	if client {
		sendBits, sendNo, receiveBits, receiveNo = receiveBits, receiveNo, sendBits, sendNo
	}
	// zlib cannot do 8 bits and does 9 in their place; programs that stand on
	// it agree to 8 all the same.
	receiveBits = max(9, receiveBits)
	d.sendBits, d.receiveWindow = sendBits, 1<<receiveBits
	if !sendNo {
		d.sent = &window{max: min(history, 1<<sendBits)}
	}
	if !receiveNo {
		d.received = &window{max: 1 << receiveBits}
	}
	return d
}

// compress compresses a message. Where that is not worth it, compressor is nil.
// The compressor is to be given back after out was used. The caller has the
// writing gate, and calls messageSent when the message was.
func (d *deflate) compress(p []byte) (out []byte, c *compressor, err error) {
	if d == nil || len(p) < d.threshold {
		return nil, nil, nil
	}
	c = newCompressor(d.level, d.sendBits)
	out, err = c.message(p, d.sent.bytes())
	if err != nil || len(out) >= len(p) {
		c.put()
		return nil, nil, err
	}
	return out, c, nil
}

// messageSent remembers what was sent compressed: the peer has it now.
func (d *deflate) messageSent(p []byte) {
	if d.sent != nil {
		d.sent.add(p)
	}
}

func (w *window) bytes() []byte {
	if w == nil {
		return nil
	}
	return w.buf
}

var inflaters = sync.Pool{New: func() any { return newInflater() }}

// begin begins to receive a message that is compressed.
func (d *deflate) begin() {
	d.in = inflaters.Get().(*inflater)
	d.in.reset(d.received.bytes())
	d.in.limit = d.receiveWindow // beyond that nothing is kept for the next message either
	d.input, d.again, d.out, d.size, d.tail, d.done = nil, false, nil, 0, false, false
}

// end is the end of a message.
func (d *deflate) end() {
	if d.received != nil {
		d.received.set(d.in.history(d.received.max))
	}
	inflaters.Put(d.in)
	d.in, d.input, d.out = nil, nil, nil
}

// inflate inflates some of the input to out, which must be empty. limit is the
// message's; negative: none. Also with an error there may be something in out.
func (d *deflate) inflate(limit int64) *ProtocolError {
	var err error
	d.input, d.again, err = d.in.run(d.input)
	d.out = d.in.fresh()
	d.size += int64(len(d.out))
	switch {
	case limit >= 0 && d.size > limit:
		return violation(StatusMessageTooBig, "a message of more than %d bytes", limit)
	case err != nil:
		return errInflate(err)
	}
	return nil
}

// take takes some of what was inflated.
func (d *deflate) take(p []byte) int {
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n
}

func errInflate(err error) *ProtocolError {
	return violation(StatusInvalidFramePayloadData, "a message that cannot be decompressed: %v", err)
}

// busy reports whether there is something to inflate.
func (d *deflate) busy() bool { return d.again || len(d.input) > 0 }

// finish gives the inflater the message's end, which is not sent (RFC 7692
// §7.2.2), and reports whether there is something to inflate now. A stream that
// said itself that it ends, and has nothing behind it, has no such end: zlib
// stops there, so some send it.
//
// A message of no bytes at all should have one (RFC 7692 §7.2.3.6); it is taken
// for the empty message that it can only be.
func (d *deflate) finish(size int64) bool {
	if d.tail || d.in.ended() || size == 0 {
		return false
	}
	d.tail, d.input = true, deflateTail
	return true
}

// check judges how the message ended, when all of it was inflated.
func (d *deflate) check() *ProtocolError {
	d.done = true
	if !d.in.atEnd() {
		return errInflate(errDeflateEnd)
	}
	return nil
}
