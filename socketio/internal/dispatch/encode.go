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

// EncodeEvent makes an event of p, and its messages. The error is an
// [*EmitError].
func EncodeEvent(p *parser.Packet, event string, args []any) ([]engineio.Outgoing, error) {
	if err := p.SetEvent(event, args...); err != nil {
		return nil, &EmitError{Event: event, Err: err}
	}
	return Encode(p), nil
}

// Encode makes the messages of a packet: its text and its attachments.
func Encode(p *parser.Packet) []engineio.Outgoing {
	const header = 24 // type, attachments, ack id and comma
	wire := make([]byte, 0, len(engineio.TextPrefix)+len(p.Namespace)+len(p.Data)+header)
	messages := make([]engineio.Outgoing, 1, 1+len(p.Attachments))
	messages[0] = engineio.PrefixedTextMessage(parser.Append(append(wire, engineio.TextPrefix...), p))
	for _, a := range p.Attachments {
		messages = append(messages, engineio.BinaryMessage(a))
	}
	return messages
}
