package ws

import "fmt"

// MessageType is what a message is: text, which is UTF-8, or binary.
type MessageType int

// The types of messages; the numbers are their opcodes (RFC 6455 §5.6).
const (
	MessageText   MessageType = 1
	MessageBinary MessageType = 2
)

// Uncompressed is added to the type of a message that is to be sent as it is, also
// where compression is agreed on (RFC 7692 §6): it does not become smaller, or has a
// secret beside what somebody else chose. The types of messages that are read are
// without it.
//
//	c.Write(ctx, ws.MessageBinary|ws.Uncompressed, jpeg)
const Uncompressed MessageType = 1 << 8

// String is "text" or "binary".
func (t MessageType) String() string {
	switch t {
	case MessageText:
		return "text"
	case MessageBinary:
		return "binary"
	case MessageText | Uncompressed, MessageBinary | Uncompressed:
		return (t &^ Uncompressed).String() + ", uncompressed"
	}
	return fmt.Sprintf("message type %d", int(t))
}

// check says what is wrong with a type that is to be sent.
func (t MessageType) check() error {
	if t := t &^ Uncompressed; t != MessageText && t != MessageBinary {
		return fmt.Errorf("ws: write: %v; use MessageText or MessageBinary", t)
	}
	return nil
}

func (t MessageType) opcode() opcode { return opcode(t &^ Uncompressed) }

func (t MessageType) uncompressed() bool { return t&Uncompressed != 0 }
