package engineio

import "errors"

// Reason is why a session ended, in the words of the official server and
// client (https://socket.io/docs/v4/server-socket-instance/#disconnect).
type Reason string

// The reasons.
const (
	TransportError Reason = "transport error" // the connection broke a rule, or could not be written to
	TransportClose Reason = "transport close" // the connection ended
	PingTimeout    Reason = "ping timeout"    // the other side did not answer in time
	ParseError     Reason = "parse error"     // a packet was malformed
	ForcedClose    Reason = "forced close"    // Close was called on this side
)

// ErrClosed is what Send returns when the session is closing or closed.
var ErrClosed = errors.New("engine.io session is closed")

// ErrSlow is why a session ended whose client reads too slowly: more waits to
// be sent than Options allows.
var ErrSlow = errors.New("the client reads too slowly: its send queue is full")

// Transport is what carries a session.
type Transport string

// The transports.
const (
	Polling      Transport = "polling"      // HTTP long-polling
	WebSocket    Transport = "websocket"    // RFC 6455
	WebTransport Transport = "webtransport" // over HTTP/3, see Server.ServeStream
)
