package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"strata/socketio"
	"strata/socketio/client"
)

// A server that greets, and a client that asks it to.
func Example() {
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("hello", func(name string, ack func(string)) { ack("hello, " + name) })
	})
	server := httptest.NewServer(io) // or http.ListenAndServe(":3000", io)
	defer server.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	defer io.Close(ctx)
	c, err := client.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	answer, err := c.EmitWithAck(ctx, "hello", "Ada")
	if err != nil {
		fmt.Println(err)
		return
	}
	var greeting string
	if err := answer.Decode(&greeting); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(greeting)
	// Output: hello, Ada
}

// both runs a server and a client of it.
func both(setUp func(io *socketio.Server), opts *client.Options, run func(ctx context.Context, io *socketio.Server, c *client.Socket)) {
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{}})
	setUp(io)
	server := httptest.NewServer(io)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	defer io.Close(ctx)
	c, err := client.Dial(ctx, server.URL, opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	run(ctx, io, c)
}

// Clients join a room, and hear what is said there.
func ExampleSocket_Join() {
	both(func(io *socketio.Server) {
		io.OnConnection(func(s *socketio.Socket) {
			s.On("join", func(room string) error { s.Join(room); return nil })
			s.On("say", func(room, text string) error { return io.To(room).Emit("said", text) })
		})
	}, nil, func(ctx context.Context, io *socketio.Server, c *client.Socket) {
		heard := make(chan string)
		c.On("said", func(text string) { heard <- text })
		if _, err := c.EmitWithAck(ctx, "join", "engines"); err != nil {
			fmt.Println(err)
			return
		}
		_ = c.Emit("say", "engines", "hello")
		fmt.Println(<-heard)
	})
	// Output: hello
}

// A middleware looks at what the client sent along, and may refuse it.
func ExampleServer_Use() {
	setUp := func(io *socketio.Server) {
		io.Use(func(s *socketio.Socket) error {
			var auth struct{ Token string }
			if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
				return errors.New("who are you?")
			}
			return nil
		})
	}
	both(setUp, nil, nil)
	both(setUp, &client.Options{Auth: map[string]string{"token": "secret"}}, func(context.Context, *socketio.Server, *client.Socket) {
		fmt.Println("welcome")
	})
	// Output:
	// socket.io: join /: the server refused: who are you?
	// welcome
}

// Everybody is asked, and has a second.
func ExampleBroadcast_EmitWithAck() {
	both(func(io *socketio.Server) {}, nil, func(ctx context.Context, io *socketio.Server, c *client.Socket) {
		c.On("how many", func() int { return 3 })
		answers, err := io.Timeout(time.Second).EmitWithAck(ctx, "how many")
		for _, answer := range answers {
			var n int
			fmt.Println(answer.Decode(&n), n)
		}
		fmt.Println(err)
	})
	// Output:
	// <nil> 3
	// <nil>
}

// A client that loses its connection continues its session.
func ExampleRecovery() {
	both(func(io *socketio.Server) {}, &client.Options{ReconnectionDelay: time.Millisecond}, func(ctx context.Context, io *socketio.Server, c *client.Socket) {
		back := make(chan bool)
		c.OnConnect(func() { back <- c.Recovered() })
		id := c.ID()
		for _, s := range io.Of("/").Sockets() {
			s.Session().Close() // as a network would
		}
		fmt.Println(<-back, c.ID() == id)
	})
	// Output: true true
}
