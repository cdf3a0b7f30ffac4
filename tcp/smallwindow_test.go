package tcp_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// Windows of 4 KiB over a wire without delay, both directions of several
// connections at once, in reads and writes of all sizes: window updates,
// acknowledgements and silly windows (RFC 9293 §3.8.6.2) cross at every moment
// there is, and a wake-up that is lost in any of them is a connection that stands
// still. None does, and every byte arrives. For seconds, or as long as
// STRATA_SOAK says ("10m").
func TestSmallWindowsDoNotStall(t *testing.T) {
	var long time.Duration
	if soak := os.Getenv("STRATA_SOAK"); soak != "" {
		var err error
		long, err = time.ParseDuration(soak)
		require.NoError(t, err)
	}
	for _, c := range []struct {
		name string
		wire link.WireConfig
	}{
		{"super-packets", link.WireConfig{}},
		{"segments", link.WireConfig{NoSuperPackets: true}},
		{"segments of an MTU that the window has no whole number of", link.WireConfig{NoOffload: true, MTU: 1300}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const window, connections, each = 4 << 10, 8, 64 << 10
			client, server, _ := hosts(t, c.wire)
			ln, err := (&tcp.ListenConfig{Host: server, ReadBuffer: window, WriteBuffer: 2 * window}).Listen(context.Background(), "tcp", "10.0.0.2:80")
			require.NoError(t, err)
			defer ln.Close()
			for start, round := time.Now(), uint64(0); round == 0 || time.Since(start) < long/3; round++ {
				results := make(chan error, 4*connections)
				for i := range uint64(connections) {
					c, s := connect(t, client, ln)
					require.NoError(t, c.SetReadBuffer(window))
					require.NoError(t, c.SetWriteBuffer(2*window))
					stream(c, s, each, [2]uint64{round, 2 * i}, results)
					stream(s, c, each, [2]uint64{round, 2*i + 1}, results)
				}
				for range cap(results) {
					if err := <-results; err != nil {
						t.Fatalf("round %d: %v\n%v%v", round, err, unfinished(client), unfinished(server))
					}
				}
			}
		})
	}
}

// unfinished are the endpoints of a host that are not over.
func unfinished(h *stack.Host) tcp.Table {
	return slices.DeleteFunc(tcp.Netstat(h), func(i tcp.Info) bool { return i.State == "TIME-WAIT" })
}

// stillness is how long nothing may arrive on a connection before it is said to
// have stalled: far longer than a retransmission or a probe of the window takes.
const stillness = 30 * time.Second

// stream sends n bytes from one end to the other, in pieces of sizes that the
// seed decides, and gives two results: of sending and of what arrived.
func stream(from, to *tcp.Conn, n int, seed [2]uint64, results chan<- error) {
	data := make([]byte, n)
	source := rand.NewPCG(seed[0], seed[1])
	for i := range data {
		data[i] = byte(source.Uint64())
	}
	go func() {
		sizes := rand.New(rand.NewPCG(seed[0], seed[1]+1<<32))
		for rest := data; len(rest) > 0; {
			piece := rest[:min(len(rest), 1+sizes.IntN(1<<sizes.IntN(15)))]
			if _, err := from.Write(piece); err != nil {
				results <- fmt.Errorf("with %d bytes to send: %w", len(rest), err)
				return
			}
			rest = rest[len(piece):]
		}
		results <- from.CloseWrite()
	}()
	go func() {
		sizes := rand.New(rand.NewPCG(seed[0], seed[1]+2<<32))
		b, got, sum := make([]byte, 16<<10), 0, sha256.New()
		for {
			to.SetReadDeadline(time.Now().Add(stillness))
			m, err := to.Read(b[:1+sizes.IntN(1<<sizes.IntN(15))])
			got += m
			sum.Write(b[:m])
			if err == io.EOF {
				break
			}
			if err != nil {
				results <- fmt.Errorf("stalled after %d of %d bytes: %w", got, n, err)
				return
			}
		}
		if [sha256.Size]byte(sum.Sum(nil)) != sha256.Sum256(data) {
			results <- errors.New("other bytes arrived than were sent")
			return
		}
		results <- nil
	}()
}
