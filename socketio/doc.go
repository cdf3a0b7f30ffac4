// Package socketio is a Socket.IO v5 server: named events with arguments and
// answers, namespaces, rooms and broadcasts, for the official clients and for
// package client. How the bytes travel (long-polling, WebSocket, the heartbeat)
// is package engineio's, how packets are written package parser's.
//
//	io := socketio.NewServer(nil)
//	io.OnConnection(func(s *socketio.Socket) {
//		s.On("hello", func(name string, ack func(string)) { ack("hello, " + name) })
//		s.On("chat message", func(text string) { io.Emit("chat message", text) })
//		s.OnDisconnect(func(reason string) { fmt.Println(s.ID(), "left:", reason) })
//	})
//	http.ListenAndServe(":3000", io)
//
// Handlers are plain functions: their parameters are decoded from the event's
// arguments by the rules of encoding/json, []byte is binary, and a last
// parameter that is a function sends the answer. A signature that cannot work
// panics when it is registered, not when an event comes. The handlers of one
// socket run one at a time, in the order of the events; those of different
// sockets run at the same time. A handler that panics costs its socket and
// nobody else's.
//
// Handlers may also want a context, which ends with the socket, and return the
// answer:
//
//	s.On("add", func(ctx context.Context, a, b int) (int, error) { return a + b, nil })
//
// Package typed gives events and calls a type of their own, for both sides.
//
// Emitting never waits for a client. What waits to be sent to one is bounded by
// Options.SendPackets and SendBytes, and each event says what is to become of it
// when a client reads too slowly:
//
//	s.Volatile().Emit("position", x, y)   // dropped as soon as anything else waits
//	s.EmitWait(ctx, "chunk", data)        // waits for room, or until ctx ends
//	s.Emit("news", text)                  // beyond the bound the client is disconnected
//
// [Socket.Waiting] and [Server.Counters] show how much waits, what was dropped
// and who was disconnected. A broadcast is encoded once, and a client that is slow
// delays no other.
//
// What a client sends faster than its handlers work is bounded as well: 256 events
// or 4 MiB wait, then its connection is read no further. A handler that waits for
// an answer of a client that has that much under way gets none, because it comes
// behind it: give its context a deadline.
//
// With [Recovery] clients continue after a lost connection where they were.
// An [Adapter] keeps the rooms; the one in memory is for a single server.
//
// Package strata/socketio/webtransport adds sessions over WebTransport. Not here:
// adapters for clusters, the admin page.
package socketio
