package typed_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/typed"
)

// What is asked, and its answer, have types that both sides share: an ack that does
// not fit does not compile.
func ExampleCall() {
	type division struct{ A, B int }
	divide := typed.Call[division, int]("divide")

	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		divide.Handle(s, func(_ context.Context, d division) (int, error) {
			if d.B == 0 {
				return 0, errors.New("division by zero")
			}
			return d.A / d.B, nil
		})
	})
	server := httptest.NewServer(io)
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
	fmt.Println(divide.Do(ctx, c, division{42, 6}))
	fmt.Println(divide.Do(ctx, c, division{42, 0}))
	// Output:
	// 7 <nil>
	// 0 division by zero
}
