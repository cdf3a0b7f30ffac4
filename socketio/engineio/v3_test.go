package engineio_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
	"strata/ws"
)

// Clients of version 3 are let in only where the option says so.
func TestVersion3IsRefusedByDefault(t *testing.T) {
	s := serve(t, nil)
	a := s.do("GET", "EIO=3&transport=polling", "")
	require.Equal(t, 400, a.status)
	require.JSONEq(t, `{"code":5,"message":"Unsupported protocol version"}`, a.body)
	require.Equal(t, 400, s.do("GET", "EIO=3&transport=polling&j=0", "").status)
}

// handshake3 opens a session by long-polling and gives the query of its requests.
func handshake3(t *testing.T, s *server, more string) (query string, ss *session) {
	t.Helper()
	a := s.do("GET", "EIO=3&transport=polling"+more, "")
	require.Equal(t, 200, a.status)
	ss = wait(t, "the session", s.sessions)
	return "EIO=3&transport=polling" + more + "&sid=" + ss.ID(), ss
}

// By long-polling packets have their length in front, in UTF-16 code units;
// where one is binary the payload is, unless the client wants none.
func TestVersion3ByPolling(t *testing.T) {
	s := serve(t, &engineio.Options{AllowEIO3: true})
	for more, want := range map[string]string{"": "\x01\x04\xff\x04\x01\x02\xff", "&b64=1": "6:b4AQL/"} {
		query, ss := handshake3(t, s, more)
		require.Equal(t, 3, ss.Protocol())
		require.Equal(t, "ok", s.do("POST", query, "5:4hé😀").body)
		require.Equal(t, "hé😀", string(wait(t, "the message", ss.messages).Data))
		require.Equal(t, "5:4hé😀", s.do("GET", query, "").body)
		require.Equal(t, "ok", s.do("POST", query, "\x01\x04\xff\x04\x01\x02\xff", "Content-Type", "application/octet-stream").body)
		m := wait(t, "the message", ss.messages)
		require.True(t, m.Binary)
		require.Equal(t, []byte{1, 2, 255}, m.Data)
		a := s.do("GET", query, "")
		require.Equal(t, want, a.body)
		require.Equal(t, strings.HasPrefix(want, "\x01"), a.header.Get("Content-Type") == "application/octet-stream")
		require.Equal(t, "ok", s.do("POST", query, "1:1").body)
		require.Equal(t, engineio.TransportClose, wait(t, "the end", ss.closed).reason)
	}
}

// What does not fit ends the session.
func TestVersion3PayloadsThatEndTheSession(t *testing.T) {
	s := serve(t, &engineio.Options{AllowEIO3: true})
	for _, body := range []string{"", "4hello", "9:4a", "1:7", "3:b54", "3:b4!"} {
		query, ss := handshake3(t, s, "")
		s.do("POST", query, body)
		require.Equal(t, engineio.ParseError, wait(t, "the end", ss.closed).reason, body)
	}
	query, ss := handshake3(t, s, "")
	s.do("POST", query, "1:3")
	require.Equal(t, engineio.TransportError, wait(t, "the end", ss.closed).reason, "a pong is the server's to send")
	require.Equal(t, 400, s.do("GET", strings.Replace(query, "EIO=3", "EIO=4", 1), "").status)
}

// JSONP: the answer is a script, the request a form; nothing of the query but
// digits gets into the script.
func TestJSONP(t *testing.T) {
	s := serve(t, &engineio.Options{AllowEIO3: true})
	query, ss := handshake3(t, s, "&j=7")
	form := "d=" + url.QueryEscape("11:4a\\nb\\\\nc</>\u2028")
	require.Equal(t, "ok", s.do("POST", query, form, "Content-Type", "application/x-www-form-urlencoded").body)
	require.Equal(t, "a\nb\\nc</>\u2028", string(wait(t, "the message", ss.messages).Data))
	a := s.do("GET", strings.Replace(query, "j=7", "j=7%5D(alert(1))%2B___eio%5B8", 1), "")
	require.Equal(t, "___eio[718](\"11:4a\\nb\\\\nc\\u003c/\\u003e\\u2028\");", a.body)
	require.Equal(t, "text/javascript; charset=UTF-8", a.header.Get("Content-Type"))
	s.do("POST", query, "e=1", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, engineio.ParseError, wait(t, "the end", ss.closed).reason)
}

// Over a WebSocket binary messages have their type in front.
func TestVersion3ByWebSocket(t *testing.T) {
	s := serve(t, &engineio.Options{AllowEIO3: true})
	conn := s.dial("EIO=3&transport=websocket")
	require.Equal(t, "0", readText(t, conn)[:1])
	ss := wait(t, "the session", s.sessions)
	require.NoError(t, conn.Write(t.Context(), ws.MessageBinary, []byte{4, 9, 8}))
	require.Equal(t, []byte{9, 8}, wait(t, "the message", ss.messages).Data)
	typ, data, err := conn.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, ws.MessageBinary, typ)
	require.Equal(t, []byte{4, 9, 8}, data)
	writeText(t, conn, "2")
	require.Equal(t, "3", readText(t, conn))
	require.NoError(t, conn.Write(t.Context(), ws.MessageBinary, []byte{5}))
	require.Equal(t, engineio.ParseError, wait(t, "the end", ss.closed).reason)
}

// The client pings; the server, which does not, ends the session pingInterval +
// pingTimeout after the last that it heard, to the millisecond.
func TestVersion3Heartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(pipes)
		ended := make(chan time.Time, 1)
		srv := engineio.NewServer(&engineio.Options{AllowEIO3: true, PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond},
			func(*engineio.Session) engineio.Handler { return endTime(ended) })
		hs := &http.Server{Handler: srv}
		go hs.Serve(p)
		conn, _, err := ws.Dial(t.Context(), "ws://server.test/?EIO=3&transport=websocket", &ws.DialOptions{DialContext: p.dial})
		require.NoError(t, err)
		readText(t, conn)
		for range 10 {
			time.Sleep(499 * time.Millisecond)
			writeText(t, conn, "2")
			require.Equal(t, "3", readText(t, conn))
		}
		last := time.Now()
		require.Equal(t, 500*time.Millisecond, (<-ended).Sub(last))
		conn.CloseNow()
		require.NoError(t, srv.Close(t.Context()))
		hs.Close()
	})
}

// endTime is a handler that says when its session ended.
type endTime chan time.Time

func (endTime) Message(engineio.Message)              {}
func (e endTime) Closed(r engineio.Reason, err error) { e <- time.Now() }
