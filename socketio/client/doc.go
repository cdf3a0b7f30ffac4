// Package client is a Socket.IO v5 client, for package socketio's server and the
// official one.
//
//	s, err := client.Dial(ctx, "http://127.0.0.1:3000/", nil)
//	if err != nil { … }
//	defer s.Close()
//	s.On("chat message", func(text string) { fmt.Println(text) })
//	answer, err := s.EmitWithAck(ctx, "hello", "Ada")
//	var greeting string
//	err = answer.Decode(&greeting)
//
// Events that may come right after the connection want their handlers to be
// there before it: make the socket with [New], register them, then call
// [Socket.Connect].
//
// It speaks WebSocket. There is no reconnection yet: when the connection ends,
// OnDisconnect says why, and another socket has to be dialled. Nor are there
// long-polling, several namespaces over one connection, and buffering of what is
// emitted while disconnected.
package client
