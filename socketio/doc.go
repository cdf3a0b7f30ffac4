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
// Emitting never waits for a client. What waits to be sent is bounded, see
// [Options]: a client that reads too slowly is disconnected, [Socket.EmitWait]
// waits instead, [Socket.Volatile] drops. What a client sends faster than its
// handlers work is bounded as well: its connection is then read more slowly.
//
// With [Recovery] clients continue after a lost connection where they were.
// An [Adapter] keeps the rooms; the one in memory is for a single server.
//
// Not here: adapters for clusters, the admin page, WebTransport.
package socketio
