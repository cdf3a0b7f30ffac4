package engineio

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"strconv"
	"unicode/utf8"
)

// Version 3 of the protocol, which clients before socket.io-client 3.0 speak
// (https://github.com/socketio/engine.io-protocol/tree/v3): the client pings,
// packets of a payload have their length in front, binary messages their type.

// v3 reports whether the session is of version 3.
func (s *Session) v3() bool { return s.protocol == "3" }

// parsePacket3 reads a packet: of text, or binary with the type as its first
// byte. It points into data, except base64.
func parsePacket3(data []byte, binary bool) (packet, error) {
	switch {
	case binary && len(data) > 0 && data[0] == byte(packetMessage-packetOpen):
		return packet{typ: packetMessage, binary: true, data: data[1:]}, nil
	case binary:
		return packet{}, fmt.Errorf("%w: binary that is no message", errPacket)
	case len(data) > 1 && data[0] == 'b' && data[1] == byte(packetMessage):
		return parseBase64(data[2:])
	case len(data) > 0 && data[0] == 'b':
		return packet{}, fmt.Errorf("%w: base64 that is no message", errPacket)
	}
	return parsePacket(data)
}

// appendBinary3 appends a binary message with its type in front.
func appendBinary3(dst []byte, p Outgoing) []byte {
	return append(append(dst, byte(packetMessage-packetOpen)), p.wire...)
}

// splitPayload3 goes through the packets of a payload that is text,
// "<length>:<packet>" for each, or binary: 0 for text or 1, the length's digits
// as bytes of that value, 255, the packet. It ends with the first that is
// malformed.
func splitPayload3(payload []byte, binary bool) iter.Seq2[packet, error] {
	cut := cutText3
	if binary {
		cut = cutBinary3
	}
	return func(yield func(packet, error) bool) {
		rest := payload
		if len(rest) == 0 {
			yield(packet{}, fmt.Errorf("%w: empty", errPacket))
		}
		for len(rest) > 0 {
			data, isBinary, after, ok := cut(rest)
			if !ok {
				yield(packet{}, fmt.Errorf("%w: a length does not fit the payload", errPacket))
				return
			}
			if rest = after; len(data) == 0 {
				continue // as the official server does
			}
			p, err := parsePacket3(data, isBinary)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// longestLength is how many digits a length may have: more bytes than that are
// in no payload.
const longestLength = 10

// cutText3 takes the first packet off a payload of text. Its length is in UTF-16
// code units, as JavaScript counts.
func cutText3(payload []byte) (data []byte, binary bool, rest []byte, ok bool) {
	colon := bytes.IndexByte(payload[:min(len(payload), longestLength+1)], ':')
	if colon < 0 {
		return nil, false, nil, false
	}
	n, err := strconv.ParseUint(string(payload[:colon]), 10, 32)
	if err != nil {
		return nil, false, nil, false
	}
	after := payload[colon+1:]
	size := 0
	for units := uint64(0); units < n; units++ {
		if size == len(after) {
			return nil, false, nil, false
		}
		r, width := utf8.DecodeRune(after[size:])
		size += width
		if r > 0xffff {
			if units++; units == n {
				return nil, false, nil, false // half a character
			}
		}
	}
	return after[:size], false, after[size:], true
}

// cutBinary3 takes the first packet off a binary payload.
func cutBinary3(payload []byte) (data []byte, binary bool, rest []byte, ok bool) {
	n, i := 0, 1
	for ; i < len(payload) && payload[i] <= 9 && i <= longestLength; i++ {
		n = n*10 + int(payload[i])
	}
	if i == 1 || i >= len(payload) || payload[i] != 0xff || n > len(payload)-i-1 {
		return nil, false, nil, false
	}
	data, rest = payload[i+1:i+1+n], payload[i+1+n:]
	if binary = payload[0] == 1; !binary && !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	return data, binary, rest, payload[0] <= 1
}

// appendPayload3 appends packets as one payload, which is binary where that is
// wanted and one of them is.
func appendPayload3(dst []byte, packets []Outgoing, wantBinary bool) (payload []byte, binary bool) {
	for _, p := range packets {
		binary = binary || wantBinary && p.binary
	}
	var scratch [20]byte
	for _, p := range packets {
		if !binary {
			text := p.wire
			if p.binary {
				text = appendText(nil, p, true)
			}
			dst = append(strconv.AppendInt(dst, int64(utf16Len(text)), 10), ':')
			dst = append(dst, text...)
			continue
		}
		kind, size := byte(0), len(p.wire)
		if p.binary {
			kind, size = 1, size+1
		}
		dst = append(dst, kind)
		for _, digit := range strconv.AppendInt(scratch[:0], int64(size), 10) {
			dst = append(dst, digit-'0')
		}
		dst = append(dst, 0xff)
		if p.binary {
			dst = appendBinary3(dst, p)
		} else {
			dst = append(dst, p.wire...)
		}
	}
	return dst, binary
}

// utf16Len is how many UTF-16 code units a text has.
func utf16Len(text []byte) int {
	n := 0
	for len(text) > 0 {
		r, width := utf8.DecodeRune(text)
		text = text[width:]
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// appendText appends a packet as text: binary as base64, in version 3 with its
// type.
func appendText(dst []byte, p Outgoing, v3 bool) []byte {
	if !p.binary {
		return append(dst, p.wire...)
	}
	dst = append(dst, 'b')
	if v3 {
		dst = append(dst, byte(packetMessage))
	}
	return base64.StdEncoding.AppendEncode(dst, p.wire)
}
