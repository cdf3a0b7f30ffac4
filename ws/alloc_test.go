package ws

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Reading and writing a message allocates nothing, on either side, in either
// mode, plain and compressed.
func TestEchoDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("pools forget at random under the race detector")
	}
	ctx := context.Background()
	for _, compressed := range []bool{false, true} {
		for _, events := range []bool{false, true} {
			for _, size := range []int{64, 4 << 10, 64 << 10} {
				t.Run(fmt.Sprintf("compressed %v, events %v, %d", compressed, events, size), func(t *testing.T) {
					a, b := tcpPair(t)
					cfg := connConfig{}
					if compressed {
						cfg = deflating(deflateParams{}, Compression{})
					}
					server := newConn(a, cfg)
					cfg.client, cfg.rand = true, zeroes{}
					client := newConn(b, cfg)
					ended := make(chan error, 1)
					if events {
						server.Handle(echoHandler(ended))
					} else {
						go func() {
							var p []byte
							for {
								typ, q, err := server.ReadAppend(ctx, p[:0])
								if err == nil {
									err = server.Write(ctx, typ, q)
								}
								if p = q; err != nil {
									ended <- err
									return
								}
							}
						}()
					}
					m := sampleTexts()["JSON"][:size]
					var p []byte
					// Garbage collection may empty a pool meanwhile, once or twice.
					n := testing.AllocsPerRun(500, func() {
						if err := client.Write(ctx, MessageBinary, m); err != nil {
							t.Fatal(err)
						}
						var err error
						if _, p, err = client.ReadAppend(ctx, p[:0]); err != nil {
							t.Fatal(err)
						}
					})
					require.Zero(t, n)
					client.CloseNow()
					<-ended
				})
			}
		}
	}
}

// A write that does not have to wait allocates nothing either where its context
// may end: nobody has to be told.
func TestWriteWithContextDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("pools forget at random under the race detector")
	}
	a, b := tcpPair(t)
	c := newConn(a, connConfig{writeTimeout: time.Hour})
	go io.Copy(io.Discard, b)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := make([]byte, 100)
	require.Zero(t, testing.AllocsPerRun(500, func() {
		if err := c.Write(ctx, MessageBinary, m); err != nil {
			t.Fatal(err)
		}
	}))
	c.CloseNow()
	b.Close()
}
