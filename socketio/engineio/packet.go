package engineio

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"strata/trace"
	"strata/ws"
)

// packetType is the first character of a packet
// (https://socket.io/docs/v4/engine-io-protocol/#protocol).
type packetType byte

const (
	packetOpen    packetType = '0'
	packetClose   packetType = '1'
	packetPing    packetType = '2'
	packetPong    packetType = '3'
	packetMessage packetType = '4'
	packetUpgrade packetType = '5'
	packetNoop    packetType = '6'
)

// String is the name in the protocol's documentation.
func (t packetType) String() string {
	names := [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}
	if t >= packetOpen && t <= packetNoop {
		return names[t-packetOpen]
	}
	return "unknown"
}

// packet is a packet that was received.
type packet struct {
	typ    packetType
	binary bool // a message that is binary
	data   []byte
	turn   Turn
}

var errPacket = errors.New("malformed Engine.IO packet")

// parsePacket reads a packet that came as text: in a payload of long-polling or
// in a text frame. The packet points into text, except a binary one.
func parsePacket(text []byte) (packet, error) {
	switch {
	case len(text) == 0:
		return packet{}, fmt.Errorf("%w: empty", errPacket)
	case text[0] == 'b':
		return parseBase64(text[1:])
	case text[0] < byte(packetOpen) || text[0] > byte(packetNoop):
		return packet{}, fmt.Errorf("%w: unknown type %q", errPacket, text[0])
	}
	return packet{typ: packetType(text[0]), data: text[1:]}, nil
}

// parseBase64 reads a binary message.
func parseBase64(text []byte) (packet, error) {
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		return packet{}, fmt.Errorf("%w: binary: %v", errPacket, err)
	}
	return packet{typ: packetMessage, binary: true, data: data[:n]}, nil
}

// TextPrefix is what a text message begins with on the wire.
const TextPrefix = "4"

// Outgoing is a message as it goes over the wire, ready for any number of
// sessions: a broadcast makes it once.
type Outgoing struct {
	binary bool
	plain  bool   // it is not worth compressing
	wire   []byte // of text, with its type in front

	prepared *ws.PreparedMessage // wire as a WebSocket frame; nil: each session makes its own
	told     *told               // what the recorder is told when it is queued; nil: nothing
}

// told is what a message says to the layer above.
type told struct {
	trace.Message
	emitted time.Time
}

// Told has the session's Recorder told of m, with the session and since when it
// waits filled in, when the message is queued: so the trace has the messages in
// the order in which they are sent.
func (o Outgoing) Told(m trace.Message) Outgoing {
	o.told = &told{m, time.Now()}
	return o
}

// Shared is the message made into a WebSocket frame, and compressed, once for
// all sessions that it is sent to.
func (o Outgoing) Shared() Outgoing {
	if m, err := ws.NewPreparedMessage(o.message()); err == nil {
		o.prepared = m
	}
	return o
}

// message is the packet as a WebSocket message.
func (o Outgoing) message() (ws.MessageType, []byte) {
	typ := ws.MessageText
	if o.binary {
		typ = ws.MessageBinary
	}
	if o.plain {
		typ |= ws.Uncompressed
	}
	return typ, o.wire
}

// Uncompressed is the message, sent as it is also where the transport would
// compress it.
func (o Outgoing) Uncompressed() Outgoing {
	o.plain = true
	return o
}

// TextMessage is a text message with a copy of data, which has to be UTF-8.
func TextMessage(data []byte) Outgoing {
	return Outgoing{wire: append([]byte(TextPrefix), data...)}
}

// PrefixedTextMessage is a text message without a copy: wire begins with
// [TextPrefix], and must not be changed afterwards. It panics where it does not.
func PrefixedTextMessage(wire []byte) Outgoing {
	if len(wire) == 0 || wire[0] != byte(packetMessage) {
		panic("engineio: PrefixedTextMessage without TextPrefix")
	}
	return Outgoing{wire: wire}
}

// BinaryMessage is a binary message; data must not be changed afterwards.
func BinaryMessage(data []byte) Outgoing { return Outgoing{binary: true, wire: data} }

// outgoingPacket is a packet that is no message.
func outgoingPacket(t packetType, data string) Outgoing {
	return Outgoing{wire: append([]byte{byte(t)}, data...)}
}

func (o Outgoing) typ() packetType {
	if o.binary {
		return packetMessage
	}
	return packetType(o.wire[0])
}

// dataLen is the size of what the packet says, bytes.
func (o Outgoing) dataLen() int {
	if o.binary {
		return len(o.wire)
	}
	return len(o.wire) - 1
}

// Message is a message that was received.
type Message struct {
	Binary bool
	Data   []byte // the receiver's to keep
	Turn   Turn
}
