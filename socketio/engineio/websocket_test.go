package engineio_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
	"strata/trace"
	"strata/ws"
)

func TestWebSocketCarriesTextAndBinaryBothWays(t *testing.T) {
	s := serve(t, nil)
	c := s.dial("EIO=4&transport=websocket")
	require.Equal(t, "0", readText(t, c)[:1])
	ss := wait(t, "a session", s.sessions)
	require.Equal(t, engineio.WebSocket, ss.Transport())
	writeText(t, c, "4hello")
	require.Equal(t, "4hello", readText(t, c))
	require.NoError(t, c.Write(context.Background(), ws.MessageBinary, []byte{1, 2}))
	typ, b, err := c.Read(context.Background())
	require.NoError(t, err)
	require.Equal(t, ws.MessageBinary, typ)
	require.Equal(t, []byte{1, 2}, b)
	writeText(t, c, "bAQI=") // binary as text is allowed here, too
	_, b, err = c.Read(context.Background())
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2}, b)
	require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
	require.Equal(t, engineio.TransportClose, wait(t, "the end", ss.closed).reason)

	// b64: a client that wants no binary frames.
	c = s.dial("EIO=4&transport=websocket&b64=1")
	readText(t, c)
	writeText(t, c, "bAQI=")
	require.Equal(t, "bAQI=", readText(t, c))
}

func TestWebSocketsThatEndTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*testing.T, *ws.Conn)
		want engineio.Reason
	}{
		"no packet":     {func(t *testing.T, c *ws.Conn) { writeText(t, c, "") }, engineio.ParseError},
		"unknown type":  {func(t *testing.T, c *ws.Conn) { writeText(t, c, "9") }, engineio.ParseError},
		"ping":          {func(t *testing.T, c *ws.Conn) { writeText(t, c, "2probe") }, engineio.TransportError},
		"close packet":  {func(t *testing.T, c *ws.Conn) { writeText(t, c, "1") }, engineio.TransportClose},
		"too large":     {func(t *testing.T, c *ws.Conn) { writeText(t, c, "4"+string(make([]byte, 100))) }, engineio.TransportError},
		"no UTF-8":      {func(t *testing.T, c *ws.Conn) { writeText(t, c, "4\xff") }, engineio.TransportError},
		"end of stream": {func(t *testing.T, c *ws.Conn) { c.CloseNow() }, engineio.TransportClose},
		// CVE-2022-21676: a frame with a reserved bit, as the first thing said
		"reserved bits": {func(t *testing.T, c *ws.Conn) {
			_, err := c.NetConn().Write([]byte{0xb1, 0x80, 0, 0, 0, 0})
			require.NoError(t, err)
		}, engineio.TransportError},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &engineio.Options{MaxPayload: 100})
			conn := s.dial("EIO=4&transport=websocket")
			ss := wait(t, "a session", s.sessions)
			c.do(t, conn)
			go func() { // a client that is told why reads it
				for err := error(nil); err == nil; {
					_, _, err = conn.Read(context.Background())
				}
			}()
			require.Equal(t, c.want, wait(t, "the end", ss.closed).reason)
			require.Zero(t, s.engine.Len())
		})
	}
}

// The change from polling to a WebSocket, with messages going all the time: all
// arrive, in order.
func TestUpgradeLosesNothing(t *testing.T) {
	s := serve(t, nil)
	ss, query := s.open()
	ss.echo = false
	const phases, each = 3, 100
	const messages = phases * each
	upgraded := make(chan engineio.Transport, 2)
	ss.OnUpgrade(func(to engineio.Transport) { upgraded <- to })
	phase := make(chan struct{})
	go func() {
		for i := range messages {
			if i%each == 0 {
				<-phase
			}
			require.NoError(t, ss.Send(engineio.TextMessage(fmt.Append(nil, i))))
			runtime.Gosched() // spreads them over the change
		}
	}()

	var got []string
	take := func(packets string) {
		for _, p := range splitPackets(packets) {
			if p != "6" {
				got = append(got, p)
			}
		}
	}
	phase <- struct{}{}
	take(wait(t, "a first poll", s.poll(query)).body)
	conn := s.dial("EIO=4&transport=websocket" + query[len(handshake):])
	poll := s.poll(query)
	phase <- struct{}{}
	writeText(t, conn, "2probe")
	require.Equal(t, "3probe", readText(t, conn))
	// The client's last poll ends by itself: by a message or by a NOOP.
	take(wait(t, "the last poll", poll).body)
	require.Equal(t, engineio.Polling, ss.Transport(), "not before the client says so")
	writeText(t, conn, "5")
	phase <- struct{}{}
	for len(got) < messages {
		take(readText(t, conn))
	}
	for i, p := range got {
		require.Equal(t, fmt.Sprint("4", i), p)
	}
	require.Equal(t, engineio.WebSocket, ss.Transport())
	require.Equal(t, engineio.WebSocket, wait(t, "OnUpgrade", upgraded))
	require.Contains(t, s.do("GET", query, "").body, "Bad request", "polling is over")
	require.Contains(t, s.do("POST", query, "4x").body, "Bad request")

	// A second change is none.
	again := s.dial("EIO=4&transport=websocket" + query[len(handshake):])
	require.Equal(t, ws.StatusPolicyViolation, closeCode(t, again))
	writeText(t, conn, "4and on")
	require.Equal(t, "and on", string(wait(t, "a message", ss.messages).Data))
}

func splitPackets(payload string) (packets []string) {
	for len(payload) > 0 {
		end := 0
		for end < len(payload) && payload[end] != 0x1e {
			end++
		}
		packets = append(packets, payload[:end])
		payload = payload[min(end+1, len(payload)):]
	}
	return packets
}

// A poll that waits when the change begins is let go with a NOOP, and so is one
// that comes while it is under way: the client waits for that.
func TestUpgradeEndsTheWaitingPoll(t *testing.T) {
	s := serve(t, nil)
	_, query := s.open()
	poll := s.poll(query)
	conn := s.dial("EIO=4&transport=websocket" + query[len(handshake):])
	writeText(t, conn, "2probe")
	require.Equal(t, "3probe", readText(t, conn))
	require.Equal(t, "6", wait(t, "the poll", poll).body)
	require.Equal(t, "6", wait(t, "another poll", s.poll(query)).body)
}

func TestUpgradeThatFailsLeavesTheSessionAlone(t *testing.T) {
	s := serve(t, &engineio.Options{UpgradeTimeout: 50 * time.Millisecond})
	ss, query := s.open()
	upgrade := "EIO=4&transport=websocket" + query[len(handshake):]
	for name, fail := range map[string]func(*ws.Conn){
		"nothing comes":      func(*ws.Conn) {},
		"something else":     func(c *ws.Conn) { writeText(t, c, "4hello") },
		"binary":             func(c *ws.Conn) { _ = c.Write(context.Background(), ws.MessageBinary, []byte("2probe")) },
		"a probe and a pong": func(c *ws.Conn) { writeText(t, c, "2probe"); writeText(t, c, "3") },
		"the connection ends": func(c *ws.Conn) {
			writeText(t, c, "2probe")
			c.CloseNow()
		},
	} {
		c := s.dial(upgrade)
		fail(c)
		closeCode(t, c) // the server ends it, in time
		require.Equal(t, engineio.Polling, ss.Transport(), name)
	}
	s.do("POST", query, "4still there")
	require.Equal(t, "still there", string(wait(t, "a message", ss.messages).Data))

	// While one change is under way a second one is refused, and the end of
	// the session is the end of the change.
	s2 := serve(t, nil)
	ss, query = s2.open()
	upgrade = "EIO=4&transport=websocket" + query[len(handshake):]
	first := s2.dial(upgrade)
	writeText(t, first, "2probe")
	require.Equal(t, "3probe", readText(t, first))
	require.Equal(t, ws.StatusPolicyViolation, closeCode(t, s2.dial(upgrade)))
	s2.do("POST", query, "1")
	require.Equal(t, engineio.TransportClose, wait(t, "the end", ss.closed).reason)
	closeCode(t, first)
}

// The client's side, on its own server.
func TestDial(t *testing.T) {
	s := serve(t, nil)
	got := make(chan engineio.Message, 10)
	closed := make(chan ended, 1)
	c, err := engineio.Dial(context.Background(), s.url, nil, func(c *engineio.Conn) engineio.Handler {
		require.NoError(t, c.Send(engineio.TextMessage([]byte("first"))))
		return &session{messages: got, closed: closed}
	})
	require.NoError(t, err)
	ss := wait(t, "a session", s.sessions)
	require.Equal(t, ss.ID(), c.ID())
	require.Equal(t, "first", string(wait(t, "a message", got).Data))
	require.NoError(t, c.Send(engineio.BinaryMessage([]byte{1})))
	require.Equal(t, engineio.Message{Binary: true, Data: []byte{1}}, wait(t, "a message", got))
	require.NoError(t, c.Send(engineio.TextMessage([]byte("last"))))
	c.Close()
	wait(t, "the end", c.Done())
	require.Equal(t, engineio.ForcedClose, wait(t, "the handler", closed).reason)
	require.Equal(t, engineio.TransportClose, wait(t, "the server's handler", ss.closed).reason)
	for _, want := range []string{"first", "\x01", "last"} {
		require.Equal(t, want, string(wait(t, "a message", ss.messages).Data), "Close sends what waits")
	}
	require.ErrorIs(t, c.Send(engineio.TextMessage(nil)), engineio.ErrClosed)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = engineio.Dial(ctx, s.url, nil, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = engineio.Dial(context.Background(), "http://127.0.0.1:1/", nil, nil)
	require.Error(t, err)
}

// recording keeps what a recorder is told.
type recording struct {
	mu     sync.Mutex
	events []trace.Event
}

func (r *recording) Record(e trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// lines are the events of layer 5, without the WebSocket's own.
func (r *recording) lines() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if _, frame := e.What.(trace.Frame); !frame {
			lines = append(lines, fmt.Sprint(e.Dir, " ", e.What))
		}
	}
	return lines
}

func TestTheTraceTellsTheStory(t *testing.T) {
	rec := &recording{}
	s := serve(t, &engineio.Options{Recorder: rec, Host: "server"})
	ss, query := s.open()
	s.do("POST", query, "4hello")
	s.do("GET", query, "")
	conn := s.dial("EIO=4&transport=websocket" + query[len(handshake):])
	writeText(t, conn, "2probe")
	readText(t, conn)
	writeText(t, conn, "5")
	writeText(t, conn, "4x")
	require.Equal(t, "4x", readText(t, conn))
	require.NoError(t, conn.Close(ws.StatusNormalClosure, ""))
	wait(t, "the end", ss.closed)

	lines := rec.lines()
	for i, want := range []string{
		"in GET /engine.io/?EIO=4&transport=polling", "out engine.io open over polling", "out HTTP 200",
		"in POST /engine.io/?", "in engine.io message over polling", "out HTTP 200",
		"in GET /engine.io/?", "out engine.io message over polling", "out HTTP 200",
		"in GET /engine.io/?", "out HTTP 101",
		"in engine.io ping over websocket", "out engine.io pong over websocket", "in engine.io upgrade over websocket",
		"in engine.io message over websocket", "out engine.io message over websocket",
		" engine.io close over websocket",
	} {
		require.Contains(t, lines[i], want, "%d of %q", i, lines)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, e := range rec.events {
		require.Equal(t, "server", e.Host)
		require.True(t, e.Flow.Local.IsValid() && e.Flow.Remote.IsValid(), "%v has no flow", e.What)
		if en, ok := e.What.(trace.Engine); ok {
			require.Equal(t, ss.ID(), en.SID)
		}
	}
}
