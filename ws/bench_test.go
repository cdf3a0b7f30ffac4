package ws_test

import (
	"context"
	"fmt"
	"testing"

	"strata/ws"
)

// One message there and back, over loopback TCP, one at a time: nearly all of it
// is system calls. The allocations are of both sides together.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 4096, 65536, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			url, _, _ := echoServer(b, false, nil)
			ctx := context.Background()
			c, _, err := ws.Dial(ctx, url, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer c.CloseNow()
			m := make([]byte, size)
			var p []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Write(ctx, ws.MessageBinary, m); err != nil {
					b.Fatal(err)
				}
				if _, p, err = c.ReadAppend(ctx, p[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Messages that are written without waiting for their echo, at most 64 at a time:
// many are parsed from one read.
func BenchmarkEchoPipelined(b *testing.B) {
	for _, size := range []int{64, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			url, _, _ := echoServer(b, false, nil)
			ctx := context.Background()
			c, _, err := ws.Dial(ctx, url, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer c.CloseNow()
			window := make(chan struct{}, 64)
			done := make(chan error, 1)
			n := b.N
			go func() {
				var p []byte
				for range n {
					var err error
					if _, p, err = c.ReadAppend(ctx, p[:0]); err != nil {
						done <- err
						return
					}
					<-window
				}
				done <- nil
			}()
			m := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for range n {
				window <- struct{}{}
				if err := c.Write(ctx, ws.MessageBinary, m); err != nil {
					b.Fatal(err)
				}
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}
