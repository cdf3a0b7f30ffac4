// Package engineio is Engine.IO v4 (https://socket.io/docs/v4/engine-io-protocol/):
// sessions of messages between a server and a client, whatever carries them.
// A session begins as HTTP long-polling and moves to a WebSocket, or is a
// WebSocket from the start; a heartbeat finds out when the other side is gone.
// It knows nothing of rooms, events and namespaces: that is package socketio.
//
// A [Server] is an http.Handler. For every session that opens it asks for a
// [Handler], which is told of the messages that arrive and of the end:
//
//	srv := engineio.NewServer(nil, func(s *engineio.Session) engineio.Handler {
//		return echo{s}
//	})
//	http.Handle("/engine.io/", srv)
//
//	type echo struct{ *engineio.Session }
//
//	func (e echo) Message(m engineio.Message) { e.Send(engineio.TextMessage(m.Data)) }
//	func (e echo) Closed(engineio.Reason, error) {}
//
// [Dial] is the other side. Middlewares are what they are with any http.Handler:
// wrap the server.
//
// What is bounded: a message (MaxPayload), what waits to be sent to one client
// (SendPackets, SendBytes: a client that reads too slowly is closed), the time
// a client may be silent (PingInterval + PingTimeout), the time of an upgrade.
// A session that waits costs no timer goroutine, and a WebSocket session no
// goroutine at all where the connection below can say when something comes: see
// ws.Conn.Handle.
//
// Clients of version 3 are let in with Options.AllowEIO3. WebTransport, which is
// more code than all of this, is strata/socketio/webtransport.
package engineio
