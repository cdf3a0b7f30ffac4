package engineio

import (
	"bytes"
	"iter"
)

// separator stands between the packets of a long-polling payload
// (https://socket.io/docs/v4/engine-io-protocol/#packet-encoding).
const separator = 0x1e

// splitPayload goes through the packets of a payload. It ends with the first
// that is malformed.
func splitPayload(payload []byte) iter.Seq2[packet, error] {
	return func(yield func(packet, error) bool) {
		for more := true; more; {
			var text []byte
			text, payload, more = bytes.Cut(payload, []byte{separator})
			p, err := parsePacket(text)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// appendPayload appends packets as one payload.
func appendPayload(dst []byte, packets []Outgoing) []byte {
	for i, p := range packets {
		if i > 0 {
			dst = append(dst, separator)
		}
		dst = appendText(dst, p, false)
	}
	return dst
}
