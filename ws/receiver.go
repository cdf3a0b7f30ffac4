package ws

// receiver is the receiving half of a connection as a state machine on bytes:
// it does no input or output, keeps no time and holds no buffer.
//
// Who drives it alternates: next takes a frame's header (a control frame it
// takes whole); while left is not zero, payload takes the frame's payload in
// pieces of any size; when messageDone, the message is delivered and endMessage
// called. After an error it is not used any more.
type receiver struct {
	fromClient bool // the frames come from a client, so they must be masked (RFC 6455 §5.1)
	deflate    bool // messages may be compressed (RFC 7692)

	typ        opcode // of the message under way; opContinuation where there is none
	compressed bool   // it is compressed; its payload is not text yet
	fin        bool   // its last frame has begun
	left       int64  // bytes of the current data frame that have not come yet
	key        uint32 // masking key, turned to the next byte
	size       int64  // bytes of the message in the frames that have begun
	fragments  int64  // frames of the message that have begun
	text       utf8Check
}

// freeFragments is how many frames a message may have however small they are.
// Beyond that each must bring bytesPerFragment of payload on average: frames are
// limited by what they cost us, not by their number, so that a large message in
// many small frames is legal and a million empty frames are not.
const (
	freeFragments    = 16384
	bytesPerFragment = 16
)

// frame is what next took: a data frame's header, or a whole control frame.
type frame struct {
	header
	payload []byte // of a control frame, unmasked, in the memory of next's argument
}

// next takes a data frame's header or a whole control frame from the front of
// b, and says how many bytes that was: 0 where more of them are needed. A buffer
// of maxHeader+maxControl bytes is always enough. The control frame's payload is
// unmasked in place. limit is the largest message in bytes; negative: none.
func (r *receiver) next(b []byte, limit int64) (f frame, n int, err *ProtocolError) {
	h, n, err := decodeHeader(b)
	if err == nil {
		err = r.check(h, len(b), limit)
	}
	if err != nil || n == 0 {
		return frame{}, 0, err
	}
	if h.opcode.isControl() {
		end := n + int(h.length)
		if len(b) < end {
			return frame{}, 0, nil
		}
		f = frame{header: h, payload: b[n:end:end]}
		if h.masked {
			mask(f.payload, f.payload, h.key)
		}
		return f, end, nil
	}
	if h.opcode != opContinuation {
		r.typ, r.compressed = h.opcode, h.rsv != 0
		r.size, r.fragments, r.text = 0, 0, utf8Check{}
	}
	r.fin, r.left, r.key = h.fin, h.length, h.key
	r.size += h.length
	r.fragments++
	return frame{header: h}, n, r.checkEnd()
}

// check is what the header's own syntax does not say: what may come now, from
// this peer. seen is how many bytes the header was read from.
func (r *receiver) check(h header, seen int, limit int64) *ProtocolError {
	if seen >= 1 {
		switch {
		case h.rsv == bitRSV1 && r.deflate && (h.opcode == opText || h.opcode == opBinary):
			// A compressed message begins; only its first frame says so (RFC 7692 §6.1).
		case h.rsv != 0:
			return violation(StatusProtocolError, "a %v frame with reserved bits 0x%02x, which mean nothing here", h.opcode, h.rsv)
		}
		switch {
		case h.opcode == opContinuation && r.typ == opContinuation:
			return violation(StatusProtocolError, "a continuation frame without a message to continue")
		case (h.opcode == opText || h.opcode == opBinary) && r.typ != opContinuation:
			return violation(StatusProtocolError, "a %v frame inside a fragmented message", h.opcode)
		}
	}
	if seen >= 2 && h.masked != r.fromClient {
		if r.fromClient {
			return violation(StatusProtocolError, "a frame from the client is not masked")
		}
		return violation(StatusProtocolError, "a frame from the server is masked")
	}
	if h.length < 0 || h.opcode.isControl() {
		return nil
	}
	var size, fragments int64
	compressed := h.rsv != 0
	if h.opcode == opContinuation {
		size, fragments, compressed = r.size, r.fragments, r.compressed
	}
	if compressed {
		limit = compressedLimit(limit)
	}
	if limit >= 0 && h.length > limit-size {
		return violation(StatusMessageTooBig, "a message of more than %d bytes", limit)
	}
	if h.length > 1<<63-1-size {
		return violation(StatusMessageTooBig, "a message of more than 2^63-1 bytes")
	}
	if fragments >= freeFragments+size/bytesPerFragment {
		return violation(StatusPolicyViolation, "a message in too many fragments: %d for %d bytes", fragments+1, size+h.length)
	}
	return nil
}

// payload takes the next len(p) bytes of the current frame's payload, at most
// left, and unmasks them in place.
func (r *receiver) payload(p []byte) *ProtocolError {
	if r.fromClient {
		r.key = mask(p, p, r.key)
	}
	r.left -= int64(len(p))
	if r.compressed {
		return nil
	}
	if err := r.content(p); err != nil {
		return err
	}
	return r.checkEnd()
}

// content takes the next bytes of the message itself: its payload, or what that
// was inflated to.
func (r *receiver) content(p []byte) *ProtocolError {
	if r.typ == opText && !r.text.write(p) {
		return errUTF8
	}
	return nil
}

// contentEnd is the end of a message that was inflated.
func (r *receiver) contentEnd() *ProtocolError {
	if r.typ == opText && !r.text.complete() {
		return errUTF8
	}
	return nil
}

// compressedLimit is how many bytes a message of limit may have when it is
// compressed: noise does not become smaller, and blocks have headers.
func compressedLimit(limit int64) int64 {
	if limit < 0 || limit > 1<<62 {
		return limit
	}
	return limit + limit/8 + 1024
}

var errUTF8 = violation(StatusInvalidFramePayloadData, "a text message that is not UTF-8")

// checkEnd finds a text that ends inside a character.
func (r *receiver) checkEnd() *ProtocolError {
	if r.messageDone() && !r.compressed && r.typ == opText && !r.text.complete() {
		return errUTF8
	}
	return nil
}

// messageDone reports whether all frames of the message have come.
func (r *receiver) messageDone() bool {
	return r.typ != opContinuation && r.fin && r.left == 0
}

// endMessage makes ready for the next message.
func (r *receiver) endMessage() {
	r.typ, r.fin = opContinuation, false
}
