package socketio_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
	"strata/ws"
)

// counted counts what goes over a connection.
type counted struct {
	net.Conn
	read, written *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c counted) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// Where both sides compress, messages are small on the wire; those of
// Compress(false) are as large as they are: to one, to many, and from the client.
func TestCompress(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{Compression: &ws.Compression{}})
	server.OnConnection(func(s *socketio.Socket) {
		s.On("send me", func(compress bool) { _ = s.Compress(compress).Emit("big", strings.Repeat("x", 100_000)) })
		s.On("send all", func(compress bool) { _ = server.Compress(compress).Emit("big", strings.Repeat("x", 100_000)) })
		s.On("take", func(string) error { return nil })
	})
	var read, written atomic.Int64
	opts := &client.Options{Compression: &ws.Compression{}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return counted{c, &read, &written}, err
	}}
	c := dial(t, url, opts)
	dial(t, url, nil) // so that a broadcast has two receivers
	got := make(chan string, 1)
	c.On("big", func(s string) { got <- s })
	for _, event := range []string{"send me", "send all"} {
		for _, compress := range []bool{true, false} {
			before := read.Load()
			require.NoError(t, c.Emit(event, compress))
			require.Len(t, wait(t, "the event", got), 100_000)
			require.Equal(t, compress, read.Load()-before < 10_000, "%s %v: %d bytes", event, compress, read.Load()-before)
		}
	}
	for _, compress := range []bool{true, false} {
		before := written.Load()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_, err := c.Compress(compress).EmitWithAck(ctx, "take", strings.Repeat("y", 100_000))
		cancel()
		require.NoError(t, err)
		require.Equal(t, compress, written.Load()-before < 10_000)
	}
}

// As with the official server the cookie comes with long-polling's first answer
// only: a proxy has nothing to stick together for a client that opens with a
// WebSocket.
func TestCookieIsForLongPolling(t *testing.T) {
	_, url, _ := serve(t, &socketio.Options{Cookie: &http.Cookie{HttpOnly: true}})
	resp, err := http.Get(url + "/socket.io/?EIO=4&transport=polling")
	require.NoError(t, err)
	resp.Body.Close()
	require.Len(t, resp.Cookies(), 1)
	require.Equal(t, "io", resp.Cookies()[0].Name)
	c, resp, err := ws.Dial(t.Context(), url+"/socket.io/?EIO=4&transport=websocket", nil)
	require.NoError(t, err)
	require.Empty(t, resp.Cookies())
	c.CloseNow()
}

// crowd is a world of a server, a host with many clients, and one with a client
// that stops reading where slow says so. It gives how long each message of a
// broadcast took to each of the many.
func crowd(t *testing.T, clients int, slow bool) (latencies []time.Duration) {
	const limit = 1 << 20
	lab.Run(t, func(w *lab.World) {
		server, many, sloth := w.Host("server"), w.Host("many"), w.Host("sloth")
		w.Connect(many, server, link.MustParseShape("delay 10ms rate 100mbit"))
		w.Connect(sloth, server, link.MustParseShape("delay 10ms rate 100mbit"))
		io := socketio.NewServer(&socketio.Options{SendBytes: limit})
		joined := make(chan *socketio.Socket, clients+1)
		io.OnConnection(func(s *socketio.Socket) { joined <- s })
		hs := &http.Server{Handler: io}
		ln := server.Listen(":80")
		w.Go(func() { _ = hs.Serve(ln) })

		var mu sync.Mutex
		var all []*client.Socket
		for range clients {
			c, err := client.New("http://server/", &client.Options{DialContext: many.DialContext})
			require.NoError(t, err)
			c.On("at", func(sent time.Time) {
				took := w.Now().Sub(sent)
				mu.Lock()
				defer mu.Unlock()
				latencies = append(latencies, took)
			})
			require.NoError(t, c.Connect(w.Context()))
			<-joined
			all = append(all, c)
		}
		release := make(chan bool)
		last, err := client.New("http://server/", &client.Options{DialContext: sloth.DialContext, NoReconnection: true})
		require.NoError(t, err)
		last.On("fill", func(string) { <-release })
		require.NoError(t, last.Connect(w.Context()))
		slowSocket := <-joined
		ended := make(chan string, 1)
		slowSocket.OnDisconnect(func(reason string) { ended <- reason })
		if slow {
			// What the network and the client's own limits take is taken.
			// Then it waits here, up to the limit.
			for i := 0; ; i++ {
				if _, bytes := slowSocket.Waiting(); bytes > limit/2 {
					break
				}
				require.Less(t, i, 10_000, "the client is not slow")
				require.NoError(t, slowSocket.Emit("fill", strings.Repeat("x", 10_000)))
				w.Sleep(time.Millisecond)
			}
		}
		const rounds = 10
		for range rounds {
			require.NoError(t, io.Emit("at", w.Now()))
			w.Sleep(200 * time.Millisecond)
		}
		require.Len(t, latencies, rounds*clients)
		if slow {
			_, bytes := slowSocket.Waiting()
			t.Logf("%d bytes wait for the slow client", bytes)
			require.LessOrEqual(t, bytes, limit)
			for slowSocket.Emit("fill", strings.Repeat("x", 10_000)) == nil {
			}
			require.Equal(t, socketio.ReasonTransportError, <-ended)
			require.EqualValues(t, 1, io.Counters().Slow)
		}
		close(release)
		require.NoError(t, last.Close())
		for _, c := range all {
			require.NoError(t, c.Close())
		}
		require.NoError(t, io.Close(w.Context()))
		require.NoError(t, hs.Close())
	})
	slices.Sort(latencies)
	return latencies
}

// A client that stops reading, among a hundred (a thousand where STRATA_SOAK is
// set): what waits for it is bounded, beyond the bound it is disconnected, and the
// others get every message in the same virtual time, to the nanosecond, as if it
// were not there.
func TestSoakSlowReaderDelaysNobody(t *testing.T) {
	clients := 100
	if os.Getenv("STRATA_SOAK") != "" {
		clients = 1000
	}
	without, with := crowd(t, clients, false), crowd(t, clients, true)
	p99 := len(without) * 99 / 100
	t.Logf("p50 %v, p99 %v, most %v; with a slow reader %v, %v, %v",
		without[len(without)/2], without[p99], without[len(without)-1], with[len(with)/2], with[p99], with[len(with)-1])
	require.Equal(t, without, with)
}
