package parser

// Format is how packets are written as messages. [Default] is the one that
// every client speaks; package msgpack has the other official one. Both sides
// have to use the same.
type Format interface {
	// Append appends the first message of p to dst and reports whether it
	// is binary. A text message is followed by p's attachments, each a
	// binary message of its own; a binary message holds everything.
	// It keeps nothing of p, whose Data is memory that is used again.
	Append(dst []byte, p *Packet) (message []byte, binary bool)

	// NewDecoder is a decoder for one connection.
	NewDecoder() MessageDecoder
}

// MessageDecoder makes packets of the messages of one connection. The packets it
// gives have their payload as JSON, whatever was on the wire. It is for one
// goroutine.
type MessageDecoder interface {
	// Text and Binary take a message. They report ok where a packet is
	// complete, and false where attachments are to come. Errors are
	// [ErrPacket]; the connection is to be closed then. Packets may point
	// into the message.
	Text(text []byte) (p Packet, ok bool, err error)
	Binary(data []byte) (p Packet, ok bool, err error)

	// Pending reports whether a packet waits for attachments.
	Pending() bool
}

// Default is the official default parser: JSON, and attachments as messages of
// their own (https://socket.io/docs/v4/socket-io-protocol/#format).
var Default Format = text{}

type text struct{}

func (text) Append(dst []byte, p *Packet) ([]byte, bool) { return Append(dst, p), false }
func (text) NewDecoder() MessageDecoder                  { return new(Decoder) }

var _ MessageDecoder = (*Decoder)(nil)
