package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
)

// wires are the connections of a client, to be cut.
type wires struct {
	mu    sync.Mutex
	conns []net.Conn
	down  atomic.Bool
	dials atomic.Int32
}

func (w *wires) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.dials.Add(1)
	if w.down.Load() {
		return nil, errors.New("the network is down")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		w.mu.Lock()
		w.conns = append(w.conns, c)
		w.mu.Unlock()
	}
	return c, err
}

func (w *wires) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func serving(t *testing.T, opts *socketio.Options) (*socketio.Server, string) {
	io := socketio.NewServer(opts)
	hs := httptest.NewServer(io)
	t.Cleanup(func() {
		require.NoError(t, io.Close(withDeadline(t)))
		hs.Close()
	})
	return io, hs.URL
}

// quick reconnects without making tests wait.
func quick(o client.Options) *client.Options {
	o.ReconnectionDelay = time.Millisecond
	o.ReconnectionDelayMax = 2 * time.Millisecond
	return &o
}

// A lost connection is made anew; what was emitted meanwhile arrives, in order,
// and the events between the connections say what happened.
func TestReconnection(t *testing.T) {
	io, url := serving(t, nil)
	got := make(chan string, 16)
	io.OnConnection(func(s *socketio.Socket) { s.On("n", func(n int) { got <- fmt.Sprint(n) }) })
	w := &wires{}
	s, err := client.New(url, quick(client.Options{DialContext: w.dial}))
	require.NoError(t, err)
	told := make(chan string, 1000)
	s.OnConnect(func() { told <- "connect" })
	s.OnDisconnect(func(reason string) { told <- reason })
	s.Manager().OnReconnectAttempt(func(n int) {
		if n == 2 {
			w.down.Store(false)
		}
	})
	s.Manager().OnReconnect(func(n int) { told <- fmt.Sprint("back after ", n) })
	s.Manager().OnError(func(err error) { told <- "error" })
	require.NoError(t, s.Connect(withDeadline(t)))
	defer s.Close()
	first := s.ID()
	require.Equal(t, "connect", wait(t, "the first connection", told))
	w.down.Store(true)
	w.cut()
	require.Equal(t, "transport close", wait(t, "the loss", told))
	require.Empty(t, s.ID())
	require.True(t, s.Active())
	for n := range 3 {
		require.NoError(t, s.Emit("n", n))
	}
	require.NoError(t, s.Volatile().Emit("n", 99))
	require.Equal(t, "error", wait(t, "the first attempt", told))
	require.ElementsMatch(t, []string{"back after 2", "connect"}, []string{wait(t, "a", told), wait(t, "b", told)})
	for n := range 3 {
		require.Equal(t, fmt.Sprint(n), wait(t, "an event", got))
	}
	require.NotEqual(t, first, s.ID())
}

// The attempts may be few, and who gives up says so.
func TestReconnectionGivesUp(t *testing.T) {
	w := &wires{}
	w.down.Store(true)
	s, err := client.New("http://server.test/", quick(client.Options{DialContext: w.dial, ReconnectionAttempts: 3}))
	require.NoError(t, err)
	failed := make(chan bool, 1)
	errs := make(chan error, 8)
	s.Manager().OnReconnectFailed(func() { failed <- true })
	s.OnConnectError(func(err error) { errs <- err })
	require.NoError(t, s.Open())
	require.NoError(t, s.Open(), "it is at it")
	require.NoError(t, s.Emit("kept"))
	wait(t, "the end", failed)
	require.False(t, s.Active())
	require.ErrorIs(t, s.Emit("x"), client.ErrDisconnected)
	require.EqualValues(t, 4, w.dials.Load(), "one, and three more")
	for range 4 {
		require.ErrorContains(t, wait(t, "an error", errs), "the network is down")
	}
	require.NoError(t, s.Close())
}

// Several namespaces over one connection; it ends with the last of them.
func TestMultiplexing(t *testing.T) {
	io, url := serving(t, nil)
	for _, name := range []string{"/", "/a", "/b"} {
		io.Of(name).OnConnection(func(s *socketio.Socket) {
			s.On("who", func() string { return s.Namespace().Name() })
		})
	}
	w := &wires{}
	m, err := client.NewManager(url+"/ignored?q=1", &client.Options{DialContext: w.dial})
	require.NoError(t, err)
	var all []*client.Socket
	for _, name := range []string{"/", "a", "/b"} {
		s, err := m.Socket(name, nil)
		require.NoError(t, err)
		require.NoError(t, s.Connect(withDeadline(t)))
		all = append(all, s)
	}
	for i, want := range []string{"/", "/a", "/b"} {
		answer, err := all[i].EmitWithAck(withDeadline(t), "who")
		require.NoError(t, err)
		var name string
		require.NoError(t, answer.Decode(&name))
		require.Equal(t, want, name)
	}
	require.EqualValues(t, 1, w.dials.Load())
	twice, err := m.Socket("/a", nil)
	require.NoError(t, err)
	require.Error(t, twice.Connect(withDeadline(t)))
	engine := m.Engine()
	require.NoError(t, all[0].Close())
	require.NoError(t, all[1].Close())
	require.Same(t, engine, m.Engine())
	require.NoError(t, twice.Connect(withDeadline(t)), "the name is free")
	require.NoError(t, m.Close())
	<-engine.Done()
	require.Nil(t, m.Engine())
	require.NoError(t, all[0].Connect(withDeadline(t)), "and back")
	require.EqualValues(t, 2, w.dials.Load())
	require.NoError(t, m.Close())
}

// The auth function is asked for each connection, and a refusal ends the trying.
func TestAuthFunc(t *testing.T) {
	io, url := serving(t, nil)
	io.Use(func(s *socketio.Socket) error {
		var auth struct{ N int }
		require.NoError(t, s.Handshake().DecodeAuth(&auth))
		if auth.N > 2 {
			return fmt.Errorf("token %d has expired", auth.N)
		}
		return nil
	})
	w := &wires{}
	asked := 0
	s, err := client.New(url, quick(client.Options{DialContext: w.dial, AuthFunc: func(context.Context) (any, error) {
		asked++
		return map[string]int{"n": asked}, nil
	}}))
	require.NoError(t, err)
	connects := make(chan bool, 4)
	errs := make(chan error, 4)
	s.OnConnect(func() { connects <- true })
	s.OnConnectError(func(err error) { errs <- err })
	require.NoError(t, s.Connect(withDeadline(t)))
	wait(t, "the first", connects)
	w.cut()
	wait(t, "the second", connects)
	w.cut()
	var refused *client.ConnectError
	require.ErrorAs(t, wait(t, "the third", errs), &refused)
	require.Equal(t, "token 3 has expired", refused.Message)
	require.False(t, s.Active(), "the server has spoken")
	require.NoError(t, s.Close())
}

// Long-polling carries everything, and changes to a WebSocket without losing or
// reordering anything, whenever that happens.
func TestPollingAndUpgrade(t *testing.T) {
	for _, transports := range [][]engineio.Transport{{engineio.Polling}, {engineio.Polling, engineio.WebSocket}} {
		t.Run(fmt.Sprint(transports), func(t *testing.T) {
			io, url := serving(t, nil)
			got := make(chan int, 3000)
			io.OnConnection(func(s *socketio.Socket) {
				s.On("n", func(n int, b []byte) { got <- n; _ = s.Emit("n", n, b) })
			})
			s, err := client.New(url, &client.Options{Transports: transports})
			require.NoError(t, err)
			back := make(chan int, 3000)
			s.On("n", func(n int, b []byte) {
				require.Equal(t, []byte{byte(n), 0, 255}, b)
				back <- n
			})
			require.NoError(t, s.Connect(withDeadline(t)))
			defer s.Close()
			for n := range 1000 {
				require.NoError(t, s.Emit("n", n, []byte{byte(n), 0, 255}))
			}
			for n := range 1000 {
				require.Equal(t, n, wait(t, "an event", got))
				require.Equal(t, n, wait(t, "its echo", back))
			}
			if len(transports) == 2 {
				require.Eventually(t, func() bool { return s.Manager().Engine().Transport() == engineio.WebSocket }, patience, time.Millisecond)
				_, err := s.EmitWithAck(withDeadline(t), "nobody")
				_ = err
			}
		})
	}
}

// Where the first transport does not work the next may; and what worked before
// is remembered.
func TestTransportsAreTriedAndRemembered(t *testing.T) {
	io := socketio.NewServer(nil)
	var requests []string
	var mu sync.Mutex
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, r.URL.Query().Get("transport"))
		mu.Unlock()
		if r.Header.Get("X-No") == r.URL.Query().Get("transport") {
			http.Error(w, "not here", http.StatusForbidden)
			return
		}
		io.ServeHTTP(w, r)
	}))
	defer hs.Close()
	defer io.Close(withDeadline(t))
	no := http.Header{"X-No": {"websocket"}}
	both := []engineio.Transport{engineio.WebSocket, engineio.Polling}
	_, err := client.Dial(withDeadline(t), hs.URL, &client.Options{Header: no, Transports: both})
	require.Error(t, err)
	s, err := client.Dial(withDeadline(t), hs.URL, &client.Options{Header: no, Transports: both, TryAllTransports: true})
	require.NoError(t, err)
	require.Equal(t, engineio.Polling, s.Manager().Engine().Transport())
	require.NoError(t, s.Close())

	s, err = client.Dial(withDeadline(t), hs.URL, &client.Options{Transports: []engineio.Transport{engineio.Polling, engineio.WebSocket}, RememberUpgrade: true})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.Manager().Engine().Transport() == engineio.WebSocket }, patience, time.Millisecond)
	require.NoError(t, s.Close())
	mu.Lock()
	before := len(requests)
	mu.Unlock()
	require.NoError(t, s.Connect(withDeadline(t)))
	require.NoError(t, s.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"websocket"}, requests[before:])
}

// Cookies that the server sets come back, also with a WebSocket.
func TestCookies(t *testing.T) {
	cookies := make(chan string, 16)
	_, url := serving(t, &socketio.Options{
		Cookie: &http.Cookie{Name: "sticky"},
		Headers: func(_ http.Header, r *http.Request) {
			if c, err := r.Cookie("sticky"); err == nil {
				cookies <- r.URL.Query().Get("transport") + " " + fmt.Sprint(c.Value == r.URL.Query().Get("sid"))
			}
		},
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s, err := client.Dial(withDeadline(t), url, &client.Options{Jar: jar, Transports: []engineio.Transport{engineio.Polling, engineio.WebSocket}})
	require.NoError(t, err)
	defer s.Close()
	for {
		got := wait(t, "a cookie", cookies)
		require.True(t, strings.HasSuffix(got, "true"), got)
		if got == "websocket true" {
			return
		}
	}
}

// Acks have their time, and an event that waits for the connection is not sent
// when nobody waits for its answer any more.
func TestAckTimeouts(t *testing.T) {
	io, url := serving(t, nil)
	got := make(chan string, 8)
	io.OnConnection(func(s *socketio.Socket) {
		s.OnAny(func(event string, _ socketio.Args) { got <- event })
	})
	w := &wires{}
	s, err := client.Dial(withDeadline(t), url, quick(client.Options{DialContext: w.dial}))
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Timeout(time.Millisecond).EmitWithAck(context.Background(), "unanswered")
	require.ErrorIs(t, err, client.ErrAckTimeout)
	require.Equal(t, "unanswered", wait(t, "the event", got))
	gone := make(chan string, 1)
	back := make(chan bool, 1)
	s.OnDisconnect(func(reason string) { gone <- reason })
	s.OnConnect(func() { back <- true })
	w.down.Store(true)
	w.cut()
	wait(t, "the loss", gone)
	_, err = s.Timeout(time.Millisecond).EmitWithAck(context.Background(), "too late")
	require.ErrorIs(t, err, client.ErrAckTimeout)
	require.NoError(t, s.Emit("in time"))
	w.down.Store(false)
	wait(t, "the connection", back)
	require.Equal(t, "in time", wait(t, "the event", got))
}

// Retries: each event is sent until it is answered, in order, over lost
// connections; a server that knows MessageIDs handles it once.
func TestRetries(t *testing.T) {
	for _, ids := range []bool{false, true} {
		t.Run(fmt.Sprint("ids ", ids), func(t *testing.T) {
			io, url := serving(t, &socketio.Options{MessageIDs: ids})
			w := &wires{}
			var handled []int
			var mu sync.Mutex
			io.OnConnection(func(s *socketio.Socket) {
				s.On("n", func(n int, ack func(int)) {
					mu.Lock()
					times := 0
					for _, have := range handled {
						if have == n {
							times++
						}
					}
					handled = append(handled, n)
					mu.Unlock()
					switch {
					case n%3 == 1 && times == 0:
						w.cut() // the answer has no way back
						ack(n)
					case n%3 == 2 && times == 0 && !ids:
						// no answer: it is sent again
					default:
						ack(n)
					}
				})
			})
			s, err := client.Dial(withDeadline(t), url, quick(client.Options{DialContext: w.dial, Retries: 3, AckTimeout: 50 * time.Millisecond, MessageIDs: ids}))
			require.NoError(t, err)
			defer s.Close()
			for n := range 8 {
				require.NoError(t, s.Emit("n", n))
			}
			answer, err := s.EmitWithAck(withDeadline(t), "n", 9)
			require.NoError(t, err)
			var n int
			require.NoError(t, answer.Decode(&n))
			require.Equal(t, 9, n)
			mu.Lock()
			defer mu.Unlock()
			all := []int{0, 1, 2, 3, 4, 5, 6, 7, 9}
			if ids {
				require.Equal(t, all, handled, "each once")
				require.NotZero(t, io.Counters().Duplicates)
				return
			}
			require.Equal(t, all, slices.Compact(slices.Clone(handled)), "none lost, in order")
			for _, n := range []int{1, 2, 4, 5, 7} { // where the machine is slow others too
				i := slices.Index(handled, n)
				require.Equal(t, n, handled[i+1], "twice: the first answer did not come")
			}
		})
	}
}

// Retries end some time, and the next event has its turn.
func TestRetriesAreUsedUp(t *testing.T) {
	io, url := serving(t, nil)
	var tries atomic.Int32
	io.OnConnection(func(s *socketio.Socket) {
		s.On("never", func(ack func()) { tries.Add(1) })
		s.On("ok", func(ack func()) { ack() })
	})
	s, err := client.Dial(withDeadline(t), url, &client.Options{Retries: 2, AckTimeout: 10 * time.Millisecond})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.EmitWithAck(withDeadline(t), "never")
	require.ErrorIs(t, err, client.ErrAckTimeout)
	require.EqualValues(t, 3, tries.Load())
	_, err = s.EmitWithAck(withDeadline(t), "ok")
	require.NoError(t, err)
	var bad *client.EmitError
	require.ErrorAs(t, s.Emit("bad", make(chan int)), &bad)
}

// A client that was away continues its session, and says so.
func TestRecovery(t *testing.T) {
	io, url := serving(t, &socketio.Options{Recovery: &socketio.Recovery{}})
	joined := make(chan *socketio.Socket, 2)
	io.OnConnection(func(s *socketio.Socket) { joined <- s })
	w := &wires{}
	s, err := client.New(url, quick(client.Options{DialContext: w.dial, Auth: map[string]string{"token": "t"}}))
	require.NoError(t, err)
	got := make(chan int, 100)
	s.On("n", func(n int) { got <- n })
	gone := make(chan string, 1)
	s.OnDisconnect(func(reason string) { gone <- reason })
	require.NoError(t, s.Connect(withDeadline(t)))
	defer s.Close()
	first := wait(t, "the socket", joined)
	id := s.ID()
	require.False(t, s.Recovered())
	require.NoError(t, first.Emit("n", 0))
	require.Equal(t, 0, wait(t, "an event", got))
	w.down.Store(true)
	w.cut()
	wait(t, "the loss", gone)
	for n := 1; n < 10; n++ {
		require.NoError(t, first.Emit("n", n))
	}
	w.down.Store(false)
	for n := 1; n < 10; n++ {
		require.Equal(t, n, wait(t, "an event", got))
	}
	require.True(t, s.Recovered())
	require.Equal(t, id, s.ID())
	second := wait(t, "the socket", joined)
	require.True(t, second.Recovered())
	var auth struct{ Token string }
	require.NoError(t, second.Handshake().DecodeAuth(&auth))
	require.Equal(t, "t", auth.Token)
}

// What waits for a connection is bounded.
func TestBufferIsBounded(t *testing.T) {
	w := &wires{}
	w.down.Store(true)
	s, err := client.New("http://server.test/", &client.Options{DialContext: w.dial, MaxBuffered: 2})
	require.NoError(t, err)
	require.NoError(t, s.Open())
	require.NoError(t, s.Emit("x"))
	require.NoError(t, s.Emit("x"))
	require.ErrorIs(t, s.Emit("x"), client.ErrBufferFull)
	require.NoError(t, s.Close())
	require.Error(t, s.Context().Err())
}

// Catch-all listeners in both directions.
func TestCatchAll(t *testing.T) {
	io, url := serving(t, nil)
	io.OnConnection(func(s *socketio.Socket) { s.On("ask", func() error { return s.Emit("told", 1) }) })
	s, err := client.New(url, nil)
	require.NoError(t, err)
	told := make(chan string, 8)
	s.OnAny(func(event string, args client.Args) { told <- fmt.Sprint("in ", event, args.Len()) })
	s.PrependAny(func(event string, _ client.Args) { told <- "first " + event })
	s.OnAnyOutgoing(func(event string, args client.Args) { told <- fmt.Sprint("out ", event, args.Len()) })
	s.Once("told", func() { told <- "once" })
	require.Equal(t, []string{"told"}, s.EventNames())
	require.NoError(t, s.Connect(withDeadline(t)))
	defer s.Close()
	for i := range 2 {
		require.NoError(t, s.Emit("ask", 1, 2))
		for _, want := range []string{"out ask2", "first told", "in told1"} {
			require.Equal(t, want, wait(t, want, told))
		}
		if i == 0 {
			require.Equal(t, "once", wait(t, "once", told))
		}
	}
	s.OffAny()
	s.OffAnyOutgoing()
	require.NoError(t, s.Send("nobody is told"))
}
