package engineio_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"strata/socketio/engineio"
)

// echo sends back what it gets.
type echo struct{ *engineio.Session }

func (e echo) Message(m engineio.Message)    { _ = e.Send(engineio.TextMessage(m.Data)) }
func (e echo) Closed(engineio.Reason, error) {}

// printer prints what it gets.
type printer struct{ got chan string }

func (p printer) Message(m engineio.Message)    { p.got <- string(m.Data) }
func (p printer) Closed(engineio.Reason, error) {}

func Example() {
	srv := engineio.NewServer(nil, func(s *engineio.Session) engineio.Handler { return echo{s} })
	server := httptest.NewServer(srv)
	defer server.Close()
	ctx := context.Background()
	defer srv.Close(ctx)

	p := printer{make(chan string, 1)}
	c, err := engineio.Dial(ctx, server.URL+"/engine.io/", nil, func(*engineio.Conn) engineio.Handler { return p })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := c.Send(engineio.TextMessage([]byte("hello"))); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-p.got)
	// Output: hello
}
