package parser

import "errors"

// Type is the type of a packet
// (https://socket.io/docs/v4/socket-io-protocol/#packet-types).
type Type uint8

// The packet types, with their numbers on the wire.
const (
	Connect      Type = iota // 0: join a namespace, or the answer that it was joined
	Disconnect               // 1: leave a namespace
	Event                    // 2: an event and its arguments
	Ack                      // 3: the answer to an event
	ConnectError             // 4: the namespace could not be joined
	BinaryEvent              // 5: an event with attachments
	BinaryAck                // 6: an answer with attachments
	typeCount
)

// String is the name in the protocol's documentation: "BINARY_EVENT".
func (t Type) String() string {
	names := [typeCount]string{"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"}
	if t < typeCount {
		return names[t]
	}
	return "UNKNOWN"
}

// MaxAttachments is how many attachments a packet may have, as in the official
// parser: without a limit a peer could make the other side wait for, and keep,
// any number of them (CVE-2026-33151).
const MaxAttachments = 10

// maxID is the largest ack id that JavaScript holds exactly: 2^53 - 1.
const maxID = 1<<53 - 1

// ErrPacket is what every error about a malformed packet is (errors.Is).
var ErrPacket = errors.New("malformed Socket.IO packet")

// Packet is one packet, its payload still encoded.
type Packet struct {
	Type      Type
	Namespace string // begins with "/" and has no ","; "" means "/"
	ID        uint64 // of the ack that is asked for or given; only where HasID
	HasID     bool
	// Data is the payload as JSON: an array for events and acks, an object
	// (or for CONNECT_ERROR a string) otherwise; empty where there is none.
	// Attachments are in it as {"_placeholder":true,"num":0}.
	Data        []byte
	Attachments [][]byte // of BINARY_EVENT and BINARY_ACK: 1 to MaxAttachments
}

// Reserved reports whether an event's name belongs to the protocol: those may
// neither be sent nor received as ordinary events.
func Reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
