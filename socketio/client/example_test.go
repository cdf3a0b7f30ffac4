package client_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"strata/socketio"
	"strata/socketio/client"
)

func Example() {
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.Emit("chat message", "welcome")
	})
	server := httptest.NewServer(io)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	defer io.Close(ctx)

	s, err := client.New(server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	heard := make(chan string, 1)
	s.On("chat message", func(text string) { heard <- text })
	if err := s.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(<-heard)
	// Output: welcome
}
