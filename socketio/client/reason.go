package client

import (
	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
)

// The reasons that OnDisconnect is given, in the words of the official client
// (https://socket.io/docs/v4/client-socket-instance/#disconnect).
const (
	ReasonServerDisconnect = "io server disconnect"          // the server disconnected the socket
	ReasonClientDisconnect = "io client disconnect"          // Close
	ReasonPingTimeout      = string(engineio.PingTimeout)    // no ping from the server in time
	ReasonTransportClose   = string(engineio.TransportClose) // the connection ended
	ReasonTransportError   = string(engineio.TransportError) // the connection broke a rule
	ReasonParseError       = string(engineio.ParseError)     // a packet was malformed
)

// ErrDisconnected is what emitting returns when the socket is not connected, or
// ceased to be while an ack was awaited.
var ErrDisconnected = dispatch.ErrDisconnected

// EmitError is an event that could not be encoded: JSON cannot say one of its
// arguments, or its name is reserved.
type EmitError = dispatch.EmitError

// ConnectError is the server's refusal to let the client join the namespace.
type ConnectError struct {
	Message string // the server's words, like "Invalid namespace"
	Data    []byte // JSON, more about it; nil where there is none
}

// Error is the message, and who said it.
func (e *ConnectError) Error() string { return "the server refused: " + e.Message }
