package ws

import (
	"encoding/binary"
	"strconv"
)

// opcode says what a frame is (RFC 6455 §5.2).
type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xA
)

func (o opcode) isControl() bool { return o&0x8 != 0 }

func (o opcode) known() bool { return o <= opBinary || o >= opClose && o <= opPong }

// String is the RFC's name of it.
func (o opcode) String() string {
	switch o {
	case opContinuation:
		return "continuation"
	case opText:
		return "text"
	case opBinary:
		return "binary"
	case opClose:
		return "close"
	case opPing:
		return "ping"
	case opPong:
		return "pong"
	}
	return "reserved opcode " + strconv.Itoa(int(o))
}

const (
	maxControl = 125 // payload of a control frame, bytes (RFC 6455 §5.5)
	maxHeader  = 14  // 2, 8 of length, 4 of masking key

	bitFin  = 0x80
	bitsRSV = 0x70
	bitRSV1 = 0x40 // the message is compressed (RFC 7692 §6)
	bitMask = 0x80
	len16   = 126 // the length follows in 16 bits
	len64   = 127 // the length follows in 64 bits
)

// header is a frame's header (RFC 6455 §5.2).
type header struct {
	fin    bool
	rsv    byte // the reserved bits where they are in the first byte: 0x40 is RSV1
	opcode opcode
	masked bool
	key    uint32 // the masking key, its first byte in the lowest bits
	length int64  // payload, bytes; -1 while not all of it has arrived
}

// appendHeader appends h as it goes on the wire, with the shortest length there
// is for it.
func appendHeader(b []byte, h header) []byte {
	first := byte(h.opcode) | h.rsv
	if h.fin {
		first |= bitFin
	}
	var mask byte
	if h.masked {
		mask = bitMask
	}
	switch {
	case h.length < len16:
		b = append(b, first, mask|byte(h.length))
	case h.length <= 0xFFFF:
		b = append(b, first, mask|len16)
		b = binary.BigEndian.AppendUint16(b, uint16(h.length))
	default:
		b = append(b, first, mask|len64)
		b = binary.BigEndian.AppendUint64(b, uint64(h.length))
	}
	if h.masked {
		b = binary.LittleEndian.AppendUint32(b, h.key)
	}
	return b
}

// decodeHeader reads the header at the front of b and gives its size in bytes.
// While b is too short the size is 0, and h has what is visible: the first byte
// after one, masked after two, the length before the masking key. What no frame
// may be is an error at the first byte that shows it, so that the peer is told
// at once and not when the rest has come.
func decodeHeader(b []byte) (h header, size int, err *ProtocolError) {
	h.length = -1
	if len(b) < 1 {
		return h, 0, nil
	}
	h.fin = b[0]&bitFin != 0
	h.rsv = b[0] & bitsRSV
	h.opcode = opcode(b[0] & 0x0F)
	if !h.opcode.known() {
		return h, 0, violation(StatusProtocolError, "a frame with %v", h.opcode)
	}
	if h.opcode.isControl() && !h.fin {
		return h, 0, violation(StatusProtocolError, "a fragmented %v frame", h.opcode)
	}
	if len(b) < 2 {
		return h, 0, nil
	}
	h.masked = b[1]&bitMask != 0
	n := int64(b[1] &^ bitMask)
	if h.opcode.isControl() && n > maxControl {
		return h, 0, violation(StatusProtocolError, "a %v frame with more than %d bytes of payload", h.opcode, maxControl)
	}
	size = 2
	switch n {
	case len16:
		if len(b) < 4 {
			return h, 0, nil
		}
		n = int64(binary.BigEndian.Uint16(b[2:]))
		if n < len16 {
			return h, 0, violation(StatusProtocolError, "length %d in 16 bits, which is not the shortest form", n)
		}
		size = 4
	case len64:
		if len(b) < 10 {
			return h, 0, nil
		}
		u := binary.BigEndian.Uint64(b[2:])
		if u>>63 != 0 {
			return h, 0, violation(StatusProtocolError, "a length with its top bit set")
		}
		n = int64(u)
		if n <= 0xFFFF {
			return h, 0, violation(StatusProtocolError, "length %d in 64 bits, which is not the shortest form", n)
		}
		size = 10
	}
	h.length = n
	if h.masked {
		if len(b) < size+4 {
			return h, 0, nil
		}
		h.key = binary.LittleEndian.Uint32(b[size:])
		size += 4
	}
	return h, size, nil
}
