package engineio_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
	"strata/ws"
)

// pipes is a listener whose connections are in memory: in a bubble of synctest
// nothing else may be waited for.
type pipes chan net.Conn

var _ net.Listener = pipes(nil)

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p <- server
	return client, nil
}

// virtual runs a test in virtual time, with a server whose heartbeat is 300 ms
// and 200 ms.
func virtual(t *testing.T, test func(t *testing.T, p pipes, sessions <-chan *session)) {
	virtualServer(t, func(t *testing.T, p pipes, _ *engineio.Server, sessions <-chan *session) { test(t, p, sessions) })
}

func virtualServer(t *testing.T, test func(t *testing.T, p pipes, srv *engineio.Server, sessions <-chan *session)) {
	synctest.Test(t, func(t *testing.T) {
		p := make(pipes)
		sessions := make(chan *session, 1000)
		srv := engineio.NewServer(&engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, func(es *engineio.Session) engineio.Handler {
			ss := &session{Session: es, messages: make(chan engineio.Message, 100), closed: make(chan ended, 2)}
			sessions <- ss
			return ss
		})
		hs := &http.Server{Handler: srv}
		go hs.Serve(p)
		test(t, p, srv, sessions)
		require.NoError(t, srv.Close(context.Background()))
		hs.Close()
		synctest.Wait()
	})
}

func (p pipes) websocket(t *testing.T) *ws.Conn {
	c, _, err := ws.Dial(context.Background(), "ws://server/?EIO=4&transport=websocket", &ws.DialOptions{DialContext: p.dial})
	require.NoError(t, err)
	require.Equal(t, "0", readText(t, c)[:1])
	return c
}

// The protocol says when a dead client is found: PingInterval after its last
// answer plus PingTimeout, to the millisecond. A virtual clock shows that.
func TestDeadClientIsFoundInTime(t *testing.T) {
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		start := time.Now()
		c := p.websocket(t)
		ss := <-sessions
		require.Equal(t, "2", readText(t, c))
		require.Equal(t, 300*time.Millisecond, time.Since(start))
		time.Sleep(50 * time.Millisecond)
		writeText(t, c, "3")
		require.Equal(t, "2", readText(t, c))
		require.Equal(t, 650*time.Millisecond, time.Since(start), "counted from the answer")
		require.Equal(t, engineio.PingTimeout, (<-ss.closed).reason)
		require.Equal(t, 850*time.Millisecond, time.Since(start))
		c.CloseNow()
	})
}

// A session that is being closed does not wait longer for a client that is gone
// than the heartbeat would.
func TestClosingSessionDoesNotOutliveTheHeartbeat(t *testing.T) {
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		c := http.Client{Transport: &http.Transport{DialContext: p.dial, DisableKeepAlives: true}}
		resp, err := c.Get("http://server/?EIO=4&transport=polling")
		require.NoError(t, err)
		resp.Body.Close()
		ss := <-sessions
		require.NoError(t, ss.Send(engineio.TextMessage([]byte("nobody fetches this"))))
		start := time.Now()
		ss.Close()
		require.Equal(t, engineio.ForcedClose, (<-ss.closed).reason)
		require.Equal(t, 500*time.Millisecond, time.Since(start))
	})
}

// engine.io 6.6.10: another packet while the answer is outstanding gives the
// client its time again, once.
func TestOtherPacketExtendsTheTimeOnce(t *testing.T) {
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		start := time.Now()
		c := p.websocket(t)
		ss := <-sessions
		require.Equal(t, "2", readText(t, c))
		for range 3 { // at 400, 500 and 600 ms; only the first counts
			time.Sleep(100 * time.Millisecond)
			if time.Since(start) < 600*time.Millisecond {
				writeText(t, c, "4busy")
			}
		}
		require.Equal(t, engineio.PingTimeout, (<-ss.closed).reason)
		require.Equal(t, 600*time.Millisecond, time.Since(start), "200 ms after the first of them")
		c.CloseNow()
	})
}

// Answers that nobody asked for start nothing (CVE-2026-48802), and put nothing
// off: otherwise a client could keep a session without ever reading a ping.
func TestUnsolicitedPongsDoNothing(t *testing.T) {
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		start := time.Now()
		c := p.websocket(t)
		ss := <-sessions
		for range 10 {
			time.Sleep(20 * time.Millisecond)
			writeText(t, c, "3")
		}
		require.Equal(t, "2", readText(t, c))
		require.Equal(t, 300*time.Millisecond, time.Since(start))
		require.Equal(t, engineio.PingTimeout, (<-ss.closed).reason)
		c.CloseNow()
	})
}

// A session by long-polling whose client never comes back goes the same way.
func TestAbandonedPollingSessionIsReclaimed(t *testing.T) {
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		start := time.Now()
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		resp, err := client.Get("http://server/?EIO=4&transport=polling")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		ss := <-sessions
		require.Equal(t, engineio.PingTimeout, (<-ss.closed).reason)
		require.Equal(t, 500*time.Millisecond, time.Since(start))
	})
}

// A client by long-polling that has no poll waiting when the server ends is told
// with its next one, and waited for no longer than a second.
func TestCloseWaitsASecondForThePoll(t *testing.T) {
	virtualServer(t, func(t *testing.T, p pipes, srv *engineio.Server, sessions <-chan *session) {
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		get := func(query string) string {
			resp, err := client.Get("http://server/?EIO=4&transport=polling" + query)
			require.NoError(t, err)
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return string(b)
		}
		get("")
		comes := <-sessions
		get("")
		stays := <-sessions
		start := time.Now()
		closed := make(chan error, 1)
		go func() { closed <- srv.Close(context.Background()) }()
		time.Sleep(900 * time.Millisecond)
		require.Equal(t, "1", get("&sid="+comes.ID()))
		require.Equal(t, engineio.ForcedClose, (<-comes.closed).reason)
		require.Equal(t, engineio.ForcedClose, (<-stays.closed).reason)
		require.NoError(t, <-closed)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// A client whose request body never ends is gone as soon as its session, and
// leaves the server soon after.
func TestBodyThatNeverEndsIsGivenUp(t *testing.T) {
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		resp, err := client.Get("http://server/?EIO=4&transport=polling")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		ss := <-sessions
		start := time.Now()
		conn, err := p.dial(context.Background(), "", "")
		require.NoError(t, err)
		_, err = io.WriteString(conn, "POST /?EIO=4&transport=polling&sid="+ss.ID()+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n4")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, conn) // until the server ends it
		require.NoError(t, err)
		require.Equal(t, engineio.PingTimeout, (<-ss.closed).reason)
		require.LessOrEqual(t, time.Since(start), time.Second)
		conn.Close()
	})
}

// slow is a handler that takes its time.
type slow struct{ messages, closed chan string }

func (s slow) Message(m engineio.Message) {
	time.Sleep(150 * time.Millisecond)
	s.messages <- string(m.Data)
}
func (s slow) Closed(r engineio.Reason, _ error) { s.closed <- string(r) }

// A handler that is slower than the client sends keeps us from hearing the
// client's answers, for 15 times the time that they may take: that is not the
// client's fault.
func TestSlowHandlersCostNoClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(pipes)
		h := slow{make(chan string, 100), make(chan string, 1)}
		srv := engineio.NewServer(&engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, func(*engineio.Session) engineio.Handler { return h })
		hs := &http.Server{Handler: srv}
		go hs.Serve(p)
		c, err := engineio.Dial(t.Context(), "http://server.test/", &engineio.DialOptions{DialContext: p.dial, Transports: []engineio.Transport{engineio.Polling}},
			func(*engineio.Conn) engineio.Handler { return slow{make(chan string, 1), make(chan string, 1)} })
		require.NoError(t, err)
		const messages = 20 // 3 s of work
		for range messages {
			require.NoError(t, c.Send(engineio.TextMessage([]byte("x"))))
		}
		for range messages {
			<-h.messages
		}
		time.Sleep(5 * time.Second)
		require.Empty(t, h.closed)
		c.Close()
		<-c.Done()
		require.NotEqual(t, string(engineio.PingTimeout), <-h.closed)
		require.NoError(t, srv.Close(t.Context()))
		hs.Close()
	})
}

// Healthy clients stay, and their pings are regular: a hundred of them, ours,
// for a minute of virtual time; where STRATA_SOAK is set a thousand for five.
func TestSoakHealthyClientsAreNeverDropped(t *testing.T) {
	clients, long := 100, time.Minute
	if os.Getenv("STRATA_SOAK") != "" {
		clients, long = 1000, 5*time.Minute
	}
	virtual(t, func(t *testing.T, p pipes, sessions <-chan *session) {
		closed := make(chan ended, clients)
		var all []*engineio.Conn
		for range clients {
			c, err := engineio.Dial(context.Background(), "http://server/", &engineio.DialOptions{DialContext: p.dial}, func(*engineio.Conn) engineio.Handler {
				return &session{closed: closed}
			})
			require.NoError(t, err)
			all = append(all, c)
		}
		time.Sleep(long)
		require.Empty(t, closed)
		for range clients {
			require.Empty(t, (<-sessions).closed)
		}
		for _, c := range all {
			c.Close()
			<-c.Done()
		}
	})
}

// The client finds out about a server that is silent: no ping for PingInterval
// plus PingTimeout.
func TestClientFindsSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(pipes)
		hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(w, r, nil)
			require.NoError(t, err)
			writeText(t, c, `0{"sid":"x","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000}`)
			_, _, err = c.Read(context.Background())
			require.Error(t, err)
		})}
		go hs.Serve(p)
		closed := make(chan ended, 1)
		start := time.Now()
		c, err := engineio.Dial(context.Background(), "http://server/", &engineio.DialOptions{DialContext: p.dial}, func(*engineio.Conn) engineio.Handler {
			return &session{closed: closed}
		})
		require.NoError(t, err)
		require.Equal(t, engineio.PingTimeout, (<-closed).reason)
		require.Equal(t, 500*time.Millisecond, time.Since(start))
		<-c.Done()
		hs.Close()
	})
}

// A server that does not speak Engine.IO is named as such.
func TestDialSomethingElse(t *testing.T) {
	for _, first := range []string{"hello", "4x", "0{}", `0{"sid":"x"}`, `0{"sid":"x","pingInterval":-1,"pingTimeout":1}`} {
		synctest.Test(t, func(t *testing.T) {
			p := make(pipes)
			hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := ws.Accept(w, r, nil)
				require.NoError(t, err)
				writeText(t, c, first)
				c.Read(context.Background())
			})}
			go hs.Serve(p)
			_, err := engineio.Dial(context.Background(), "http://server/", &engineio.DialOptions{DialContext: p.dial}, nil)
			require.Error(t, err)
			require.True(t, strings.Contains(err.Error(), "open packet") || strings.Contains(err.Error(), "malformed"), err)
			hs.Close()
		})
	}
}
