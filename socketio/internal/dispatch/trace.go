package dispatch

import (
	"unicode/utf8"

	"strata/socketio/parser"
	"strata/trace"
)

// previewLen is how much of a payload the trace shows, bytes.
const previewLen = 64

// MessageOf is what the trace says of a packet; its SID is the caller's to fill
// in.
func MessageOf(p *parser.Packet) trace.Message {
	m := trace.Message{Type: p.Type.String(), Namespace: p.Namespace}
	if p.HasID {
		id := int64(p.ID)
		m.ID = &id
	}
	if p.Type == parser.Event || p.Type == parser.BinaryEvent {
		name, _ := p.Event()
		m.Event = string(name[:cut(name)])
	}
	m.Preview = string(p.Data[:cut(p.Data)])
	return m
}

// cut is the length of the first previewLen bytes, without half a character.
func cut(b []byte) int {
	if len(b) <= previewLen {
		return len(b)
	}
	n := previewLen
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return n
}
