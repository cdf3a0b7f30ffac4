// Package typed gives events a type, so that both sides agree on what they say.
// It works with the sockets of the server and of the client:
//
//	var (
//		Said = typed.Event[Message]("chat message")
//		Join = typed.Call[string, []Message]("join")
//	)
//
//	// the server
//	Join.Handle(s, func(ctx context.Context, room string) ([]Message, error) { … })
//	err := Said.Emit(io.To(room), Message{"Ada", "hello"})
//
//	// the client
//	off := Said.On(c, func(m Message) { … })
//	history, err := Join.Do(ctx, c, "engines")
//
// On the wire they are ordinary events with one argument, for clients in any
// language. A handler that returns an error answers {"error": "its text"}.
package typed
