package socketio_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"strata/socketio"
	"strata/socketio/client"
)

// A chat: who comes says a name, what is said goes to everybody else, and so does
// that somebody has left.
func Example_chat() {
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		var name string // the handlers of a socket run one at a time
		s.On("join", func(as string) error {
			name = as
			return s.Broadcast().Emit("joined", name)
		})
		s.On("say", func(text string) error { return s.Broadcast().Emit("said", name, text) })
		s.OnDisconnect(func(string) { _ = io.Emit("left", name) })
	})
	server := httptest.NewServer(io)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	defer io.Close(ctx)

	ada, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ada.Close()
	left := make(chan bool)
	ada.On("joined", func(name string) { fmt.Println(name, "is here") })
	ada.On("said", func(name, text string) { fmt.Println(name+":", text) })
	ada.On("left", func(name string) { fmt.Println(name, "is gone"); close(left) })
	if _, err := ada.EmitWithAck(ctx, "join", "Ada"); err != nil {
		fmt.Println(err)
		return
	}

	bob, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = bob.Emit("join", "Bob")
	_ = bob.Emit("say", "hello")
	_ = bob.Close()
	<-left
	// Output:
	// Bob is here
	// Bob: hello
	// Bob is gone
}
