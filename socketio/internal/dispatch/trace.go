package dispatch

import (
	"slices"
	"unicode/utf8"

	"strata/socketio/engineio"
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
	n := cut(p.Data)
	m.Preview = string(p.Data[:n])
	if n < len(p.Data) {
		m.Preview += "…"
	}
	m.Packets = 1 + len(p.Attachments)
	return m
}

// Told is a packet's messages, of which the trace is told m when they are
// queued; others may send the same ones.
func Told(messages []engineio.Outgoing, m trace.Message) []engineio.Outgoing {
	if len(messages) == 0 {
		return messages
	}
	own := slices.Clone(messages)
	m.Packets = len(own)
	own[0] = own[0].Told(m)
	return own
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
