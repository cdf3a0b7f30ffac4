package socketio_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
)

// pipes is a network within the program: a listener whose connections are made
// by its dial.
type pipes struct {
	accept chan net.Conn
	done   chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Clients that connect as fast as they can, in batches of a thousand: every
// CONNECT is answered, every connection handler called before the client's first
// event is handled, and nothing is left. 1,000 of them; 100,000 where
// STRATA_SOAK is set.
func TestSoakRapidConnects(t *testing.T) {
	total := 1_000
	if os.Getenv("STRATA_SOAK") != "" {
		total = 100_000
	}
	network := newPipes()
	io := socketio.NewServer(nil)
	var connections, early, ended atomic.Int64
	io.OnConnection(func(s *socketio.Socket) {
		connections.Add(1)
		s.On("early", func() error { early.Add(1); return nil })
		s.OnDisconnect(func(string) { ended.Add(1) })
	})
	hs := &http.Server{Handler: io}
	go hs.Serve(network)
	before := runtime.NumGoroutine()
	transports := [][]engineio.Transport{{engineio.WebSocket}, {engineio.WebSocket}, {engineio.Polling}, {engineio.Polling, engineio.WebSocket}}
	for range total / 1000 {
		var wg sync.WaitGroup
		next := atomic.Int64{}
		for range 100 { // at a time
			wg.Go(func() {
				for i := next.Add(1); i <= 1000; i = next.Add(1) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					c, err := client.New("http://server.test/", &client.Options{DialContext: network.dial, Transports: transports[i%4]})
					if err == nil {
						_ = c.Open()
						_, err = c.EmitWithAck(ctx, "early")
						c.Close()
					}
					if err != nil {
						t.Error(err)
					}
					cancel()
				}
			})
		}
		wg.Wait()
	}
	require.EqualValues(t, total, connections.Load())
	require.EqualValues(t, total, early.Load())
	require.Eventually(t, func() bool {
		return ended.Load() == int64(total) && io.Clients() == 0 && runtime.NumGoroutine() <= before+5
	}, patience, 10*time.Millisecond, "something is left")
	counters := io.Counters()
	require.Zero(t, counters.Sockets)
	require.EqualValues(t, total, counters.Joined)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, io.Close(ctx))
	require.NoError(t, hs.Close())
}
