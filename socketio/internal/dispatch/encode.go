package dispatch

import (
	"fmt"

	"strata/socketio/engineio"
	"strata/socketio/parser"
)

// EmitError is an event that could not be encoded: JSON cannot say one of its
// arguments, or its name is reserved.
type EmitError struct {
	Event string
	Err   error
}

// Error is like `socket.io: emit "news": argument 1: json: unsupported type: chan int`.
func (e *EmitError) Error() string { return fmt.Sprintf("socket.io: emit %q: %v", e.Event, e.Err) }

// Unwrap is the reason.
func (e *EmitError) Unwrap() error { return e.Err }

// SetEvent makes an event of p. The error is an [*EmitError].
func SetEvent(p *parser.Packet, event string, args []any) error {
	if err := p.SetEvent(event, args...); err != nil {
		return &EmitError{Event: event, Err: err}
	}
	return nil
}

// Encode makes the messages of a packet: its text and its attachments, or what
// another format makes of them.
func Encode(f parser.Format, p *parser.Packet) []engineio.Outgoing {
	return AppendEncoded(make([]engineio.Outgoing, 0, 1+len(p.Attachments)), f, p)
}

// AppendEncoded is Encode into memory that the caller brings.
func AppendEncoded(messages []engineio.Outgoing, f parser.Format, p *parser.Packet) []engineio.Outgoing {
	const header = 24 // type, attachments, ack id and comma
	wire := make([]byte, 0, len(engineio.TextPrefix)+len(p.Namespace)+len(p.Data)+header)
	wire, binary := f.Append(append(wire, engineio.TextPrefix...), p)
	if binary {
		return append(messages, engineio.BinaryMessage(wire[len(engineio.TextPrefix):]))
	}
	messages = append(messages, engineio.PrefixedTextMessage(wire))
	for _, a := range p.Attachments {
		messages = append(messages, engineio.BinaryMessage(a))
	}
	return messages
}
