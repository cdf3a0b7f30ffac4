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
// [Socket.Connect], which makes one attempt and says how it went, or
// [Socket.Open], which goes on trying in the background.
//
// When the connection is lost a new one is made, with growing delays; what is
// emitted meanwhile is kept, and sent then. What was under way may be lost: see
// Options.Retries, and socketio.Recovery for the other direction. A [Manager]
// has several sockets, one a namespace, share a connection.
package client
