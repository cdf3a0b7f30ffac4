package engineio_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
	"strata/ws"
)

// patience bounds every wait of these tests for what has to happen.
const patience = 10 * time.Second

// server is an Engine.IO server on the loopback, and what its sessions said.
type server struct {
	t        *testing.T
	engine   *engineio.Server
	url      string
	sessions chan *session
}

// session is the server's side of a session.
type session struct {
	*engineio.Session
	messages chan engineio.Message
	closed   chan ended
	echo     bool
}

type ended struct {
	reason engineio.Reason
	err    error
}

func (s *session) Message(m engineio.Message) {
	if s.echo {
		if m.Binary {
			_ = s.Send(engineio.BinaryMessage(m.Data))
		} else {
			_ = s.Send(engineio.TextMessage(m.Data))
		}
	}
	s.messages <- m
}

func (s *session) Closed(reason engineio.Reason, err error) { s.closed <- ended{reason, err} }

func serve(t *testing.T, opts *engineio.Options) *server {
	s := &server{t: t, sessions: make(chan *session, 1000)}
	s.engine = engineio.NewServer(opts, func(es *engineio.Session) engineio.Handler {
		ss := &session{Session: es, messages: make(chan engineio.Message, 10000), closed: make(chan ended, 2), echo: true}
		s.sessions <- ss
		return ss
	})
	hs := httptest.NewServer(s.engine)
	s.url = hs.URL + "/engine.io/"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = s.engine.Close(ctx) // cuts off what the test left
		hs.CloseClientConnections()
		hs.Close()
	})
	return s
}

// wait is the next value of a channel.
func wait[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		require.FailNow(t, "waited too long for "+what)
		panic("unreachable")
	}
}

type answer struct {
	status int
	body   string
	header http.Header
}

// do sends a request and reads the answer; a nil answer is a broken connection.
func (s *server) do(method, query, body string, header ...string) answer {
	s.t.Helper()
	a, err := s.try(context.Background(), method, query, strings.NewReader(body), header...)
	require.NoError(s.t, err)
	return a
}

func (s *server) try(ctx context.Context, method, query string, body io.Reader, header ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+"?"+query, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(b), resp.Header}, err
}

const handshake = "EIO=4&transport=polling"

// open opens a session by long-polling.
func (s *server) open() (*session, string) {
	s.t.Helper()
	a := s.do("GET", handshake, "")
	require.Equal(s.t, 200, a.status, a.body)
	var data struct{ SID string }
	require.NoError(s.t, json.Unmarshal([]byte(a.body[1:]), &data))
	return wait(s.t, "a session", s.sessions), handshake + "&sid=" + data.SID
}

// poll begins a GET, which is answered later.
func (s *server) poll(query string) <-chan answer {
	ch := make(chan answer, 1)
	go func() {
		a, err := s.try(context.Background(), "GET", query, nil)
		if err != nil {
			a.body = err.Error()
		}
		ch <- a
	}()
	return ch
}

// dial opens a WebSocket.
func (s *server) dial(query string) *ws.Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := ws.Dial(ctx, s.url+"?"+query, nil)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { c.CloseNow() })
	return c
}

func readText(t *testing.T, c *ws.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	typ, b, err := c.Read(ctx)
	require.NoError(t, err)
	require.Equal(t, ws.MessageText, typ)
	return string(b)
}

func writeText(t *testing.T, c *ws.Conn, text string) {
	t.Helper()
	require.NoError(t, c.Write(context.Background(), ws.MessageText, []byte(text)))
}

// closeCode reads until the peer's close frame and gives its code.
func closeCode(t *testing.T, c *ws.Conn) ws.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			require.NoError(t, ctx.Err(), "no close frame")
			return ws.CloseStatus(err)
		}
	}
}

func TestHandshakeSaysWhatTheProtocolWants(t *testing.T) {
	s := serve(t, nil)
	a := s.do("GET", handshake, "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "text/plain; charset=UTF-8", a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	var data map[string]any
	require.Equal(t, "0", a.body[:1])
	require.NoError(t, json.Unmarshal([]byte(a.body[1:]), &data))
	require.Equal(t, map[string]any{
		"sid": data["sid"], "upgrades": []any{"websocket"}, "pingInterval": 25000.0, "pingTimeout": 20000.0, "maxPayload": 1e6,
	}, data)
	require.Regexp(t, `^[-_A-Za-z0-9]{20}$`, data["sid"])

	c := s.dial("EIO=4&transport=websocket")
	open := readText(t, c)
	require.Contains(t, open, `"upgrades":[]`, "a WebSocket has nothing to change to")

	only := serve(t, &engineio.Options{Transports: []engineio.Transport{engineio.Polling}})
	require.Contains(t, only.do("GET", handshake, "").body, `"upgrades":[]`)
}

// CVE-2017-16031: ids that could be foreseen let others take a session over.
func TestIDsAreRandom(t *testing.T) {
	s := serve(t, nil)
	seen := map[string]bool{}
	for range 200 {
		ss, _ := s.open()
		require.Len(t, ss.ID(), 20)
		require.False(t, seen[ss.ID()])
		seen[ss.ID()] = true
	}
	// What is random is all of it: 120 bits, none of which counts up. A bit
	// that were the same in all ids would be so by chance once in 2^199.
	for i := range 20 {
		at := map[byte]bool{}
		for id := range seen {
			at[id[i]] = true
		}
		require.Greater(t, len(at), 16, "character %d varies too little", i)
	}
}

// The error codes, and their words, of the official server. CVE-2023-31125 is
// the second half: parameters twice, empty, or with names from JavaScript.
func TestRequestsThatAreRefused(t *testing.T) {
	s := serve(t, nil)
	_, polling := s.open()
	sid := strings.TrimPrefix(polling, handshake)
	conn := s.dial("EIO=4&transport=websocket")
	var data struct{ SID string }
	require.NoError(t, json.Unmarshal([]byte(readText(t, conn)[1:]), &data))
	wsSID := "&sid=" + data.SID

	const (
		transport = `{"code":0,"message":"Transport unknown"}`
		unknown   = `{"code":1,"message":"Session ID unknown"}`
		method    = `{"code":2,"message":"Bad handshake method"}`
		bad       = `{"code":3,"message":"Bad request"}`
		version   = `{"code":5,"message":"Unsupported protocol version"}`
	)
	for _, c := range []struct{ method, query, want string }{
		{"GET", "", transport},
		{"GET", "EIO=4", transport},
		{"GET", "EIO=4&transport=tcp", transport},
		{"GET", "EIO=4&transport=", transport},
		{"GET", "EIO=4&transport=polling&sid=nobody", unknown},
		{"POST", handshake, method},
		{"PUT", handshake, method},
		{"GET", "EIO=4&transport=websocket", bad},
		{"GET", handshake + wsSID, bad},
		{"POST", handshake + wsSID, bad},
		{"GET", "EIO=4&transport=websocket" + sid, bad},
		{"GET", "EIO=3&transport=polling" + sid, bad},
		{"GET", "transport=polling", version},
		{"GET", "EIO=3&transport=polling", version},
		{"GET", "EIO=5&transport=polling", version},

		{"GET", "EIO=4&transport=polling&transport=polling", transport},
		{"GET", "EIO=4&transport=polling&transport=websocket", transport},
		{"GET", "EIO=4&transport=__proto__", transport},
		{"GET", "EIO=4&transport=constructor", transport},
		{"GET", "EIO=4&transport[]=polling", transport},
		{"GET", handshake + sid + sid, unknown},
		{"GET", handshake + "&sid=__proto__", unknown},
		{"GET", handshake + "&sid=constructor", unknown},
		{"GET", "EIO=4&EIO=4&transport=polling", version},
		{"GET", "%gg;&EIO=4&transport=%zz", transport},
	} {
		a := s.do(c.method, c.query, "")
		require.Equal(t, 400, a.status, "%s %s", c.method, c.query)
		require.Equal(t, c.want, a.body, "%s %s", c.method, c.query)
		require.Equal(t, "application/json", a.header.Get("Content-Type"))
	}

	// For a WebSocket the answer is plain text.
	for query, want := range map[string]string{
		"EIO=4&transport=polling":                "Bad request",
		"EIO=4&transport=polling" + sid:          "Bad request",
		"EIO=4&transport=websocket&sid=nobody":   "Session ID unknown",
		"EIO=3&transport=websocket":              "Unsupported protocol version",
		"EIO=4&transport=websocket&transport=ws": "Transport unknown",
	} {
		_, resp, err := ws.Dial(context.Background(), s.url+"?"+query, nil)
		require.Error(t, err)
		require.NotNil(t, resp, query)
		require.Equal(t, 400, resp.StatusCode)
		require.Equal(t, "text/html", resp.Header.Get("Content-Type"))
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, want, string(body))
	}

	// An empty sid is none: a handshake.
	require.Equal(t, 200, s.do("GET", handshake+"&sid=", "").status)
	require.Equal(t, 500, s.do("DELETE", polling, "").status)
}

// CVE-2020-28481: other pages may do nothing unless they are named.
func TestOriginsOfOtherPages(t *testing.T) {
	const page = "https://page.example"
	dial := func(s *server, origin string) (int, error) {
		c, resp, err := ws.Dial(context.Background(), s.url+"?EIO=4&transport=websocket", &ws.DialOptions{Header: http.Header{"Origin": {origin}}})
		if err != nil {
			return resp.StatusCode, err
		}
		c.CloseNow()
		return 101, nil
	}

	closed := serve(t, nil)
	a := closed.do("GET", handshake, "", "Origin", page)
	require.Equal(t, 200, a.status, "the browser is what keeps the page from reading this")
	for name := range a.header {
		require.NotContains(t, name, "Access-Control")
	}
	require.Equal(t, 400, closed.do("OPTIONS", handshake, "", "Origin", page, "Access-Control-Request-Method", "POST").status)
	status, err := dial(closed, page)
	require.Error(t, err)
	require.Equal(t, 403, status)
	_, err = dial(closed, strings.TrimSuffix(closed.url, "/engine.io/"))
	require.NoError(t, err, "the server's own page")

	open := serve(t, &engineio.Options{AllowedOrigins: []string{"https://*.example"}, AllowCredentials: true})
	a = open.do("GET", handshake, "", "Origin", page)
	require.Equal(t, page, a.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", a.header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "Origin", a.header.Get("Vary"))
	a = open.do("OPTIONS", handshake, "", "Origin", page, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-mine")
	require.Equal(t, 204, a.status)
	require.Equal(t, "GET,POST", a.header.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "x-mine", a.header.Get("Access-Control-Allow-Headers"))
	_, err = dial(open, page)
	require.NoError(t, err)
	for _, other := range []string{"https://page.example.org", "http://page.example", "null"} {
		require.Empty(t, open.do("GET", handshake, "", "Origin", other).header.Get("Access-Control-Allow-Origin"), other)
		_, err = dial(open, other)
		require.Error(t, err, other)
	}

	all := serve(t, &engineio.Options{AllowedOrigins: []string{"*"}})
	require.Equal(t, page, all.do("GET", handshake, "", "Origin", page).header.Get("Access-Control-Allow-Origin"))
	_, err = dial(all, page)
	require.NoError(t, err)
}

// A server that ends tells everybody, in the way of their transport.
func TestCloseEndsEverySession(t *testing.T) {
	s := serve(t, nil)
	polling, query := s.open()
	poll := s.poll(query)
	conn := s.dial("EIO=4&transport=websocket")
	readText(t, conn)
	socket := wait(t, "the WebSocket's session", s.sessions)
	require.NoError(t, socket.Send(engineio.TextMessage([]byte("last words"))))
	codes := make(chan ws.StatusCode, 1)
	go func() {
		require.Equal(t, "4last words", readText(t, conn))
		codes <- closeCode(t, conn)
	}()

	closed := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() { closed <- s.engine.Close(ctx) }()
	require.Equal(t, "1", wait(t, "the poll", poll).body)
	require.Equal(t, ws.StatusGoingAway, wait(t, "the close frame", codes))
	for _, ss := range []*session{polling, socket} {
		require.Equal(t, engineio.ForcedClose, wait(t, "the handler", ss.closed).reason)
	}
	require.ErrorIs(t, socket.Send(engineio.TextMessage(nil)), engineio.ErrClosed)
	require.Equal(t, 503, s.do("GET", handshake, "").status, "no new sessions")
	require.NoError(t, wait(t, "Close", closed))
	require.Zero(t, s.engine.Len())
}

// A client that never comes back holds Close up no longer than its context.
func TestCloseIsBoundedByItsContext(t *testing.T) {
	s := serve(t, nil)
	ss, _ := s.open()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // before the second that such a client is given
	require.ErrorIs(t, s.engine.Close(ctx), context.Canceled)
	require.Equal(t, engineio.ForcedClose, wait(t, "the handler", ss.closed).reason)
}

// Handlers may do as they like in accept: what they send comes after the open
// packet, and a Close there is an orderly one.
func TestSendAndCloseInAccept(t *testing.T) {
	var mu sync.Mutex
	var told []engineio.Reason
	srv := engineio.NewServer(nil, func(s *engineio.Session) engineio.Handler {
		_ = s.Send(engineio.TextMessage([]byte("welcome, and goodbye")))
		s.Close()
		return handlerFunc(func(r engineio.Reason) { mu.Lock(); told = append(told, r); mu.Unlock() })
	})
	hs := httptest.NewServer(srv)
	defer hs.Close()
	s := &server{t: t, url: hs.URL}
	c := s.dial("EIO=4&transport=websocket")
	require.Equal(t, "0", readText(t, c)[:1])
	require.Equal(t, "4welcome, and goodbye", readText(t, c))
	require.Equal(t, ws.StatusNormalClosure, closeCode(t, c))
	require.NoError(t, srv.Close(context.Background()))
	require.Equal(t, []engineio.Reason{engineio.ForcedClose}, told)
}

type handlerFunc func(engineio.Reason)

func (f handlerFunc) Message(engineio.Message)                 {}
func (f handlerFunc) Closed(reason engineio.Reason, err error) { f(reason) }

// A client may go while the server closes: of what it says last only that counts,
// also behind a message that comes too late.
func TestClientGoesFromAClosingSession(t *testing.T) {
	s := serve(t, nil)
	ss, query := s.open()
	require.NoError(t, ss.Send(engineio.TextMessage([]byte("nobody fetches this"))))
	ss.Close()
	require.Equal(t, 200, s.do("POST", query, "4too late\x1e1").status)
	require.Equal(t, engineio.ForcedClose, wait(t, "the end", ss.closed).reason)
	require.Empty(t, ss.messages)
}
