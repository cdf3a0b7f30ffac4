package socketio

import (
	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
)

// The reasons that OnDisconnect is given, in the words of the official server
// (https://socket.io/docs/v4/server-socket-instance/#disconnect).
const (
	ReasonTransportError            = string(engineio.TransportError) // the connection broke a rule, or the client read too slowly
	ReasonTransportClose            = string(engineio.TransportClose) // the connection ended
	ReasonForcedClose               = string(engineio.ForcedClose)    // the connection was closed on this side
	ReasonPingTimeout               = string(engineio.PingTimeout)    // the client did not answer in time
	ReasonParseError                = string(engineio.ParseError)     // a packet was malformed
	ReasonServerShuttingDown        = "server shutting down"          // Server.Close
	ReasonForcedServerClose         = "forced server close"           // the client joined nothing in time, or sent what did not belong there
	ReasonClientNamespaceDisconnect = "client namespace disconnect"   // the client left
	ReasonServerNamespaceDisconnect = "server namespace disconnect"   // Socket.Disconnect
)

// ErrDisconnected is what emitting returns when the socket is not connected, or
// ceased to be while an ack was awaited.
var ErrDisconnected = dispatch.ErrDisconnected
