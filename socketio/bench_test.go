package socketio_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"

	"strata/socketio"
	"strata/socketio/client"
)

// One client, one event at a time, each answered: the time is a round trip
// through both sides and the kernel's loopback.
func BenchmarkEchoWithAck(b *testing.B) {
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(text string, ack func(string)) { ack(text) })
	})
	hs := httptest.NewServer(io)
	defer hs.Close()
	ctx := context.Background()
	defer io.Close(ctx)
	c, err := client.Dial(ctx, hs.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.EmitWithAck(ctx, "echo", "hello"); err != nil {
			b.Fatal(err)
		}
	}
}

// One event to everybody: it is encoded once. An op is one broadcast, until the
// last client has it.
func BenchmarkBroadcast(b *testing.B) {
	for _, clients := range []int{1, 100} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			io := socketio.NewServer(nil)
			hs := httptest.NewServer(io)
			defer hs.Close()
			ctx := context.Background()
			defer io.Close(ctx)
			var got sync.WaitGroup
			io.OnConnection(func(*socketio.Socket) { got.Done() })
			got.Add(clients)
			for range clients {
				c, err := client.Dial(ctx, hs.URL, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				c.On("news", func(string) { got.Done() })
			}
			got.Wait()
			b.ReportAllocs()
			for b.Loop() {
				got.Add(clients)
				if err := io.Emit("news", "hello"); err != nil {
					b.Fatal(err)
				}
				got.Wait()
			}
		})
	}
}
