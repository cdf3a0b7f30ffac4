package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// key masks what the load sends (RFC 6455 §5.3). It is the same for every frame,
// so that frames are made once, and not zero, which a server may find easier.
var key = [4]byte{0x9a, 0x3c, 0x71, 0xe5}

// textFrame is a client's frame of a text that is shorter than 64 KiB.
func textFrame(text string) []byte {
	frame := []byte{0x81}
	if len(text) < 126 {
		frame = append(frame, 0x80|byte(len(text)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(text)))
	}
	frame = append(frame, key[:]...)
	for i := range len(text) {
		frame = append(frame, text[i]^key[i%4])
	}
	return frame
}

var errFrame = errors.New("a frame that the load did not expect")

// cutFrame takes a server's frame of a whole text from the front of b; ok is false
// where not all of it is there.
func cutFrame(b []byte) (text, rest []byte, ok bool, err error) {
	if len(b) < 2 {
		return nil, b, false, nil
	}
	size, header := int(b[1]), 2
	if b[0] != 0x81 || size > 126 {
		return nil, b, false, fmt.Errorf("%w: it begins with %x", errFrame, b[:2])
	}
	if size == 126 {
		if len(b) < 4 {
			return nil, b, false, nil
		}
		size, header = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < header+size {
		return nil, b, false, nil
	}
	return b[header : header+size], b[header+size:], true, nil
}
