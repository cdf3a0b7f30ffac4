package socketio_test

import (
	"context"
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
