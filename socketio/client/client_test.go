package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
	"strata/ws"
)

// patience bounds every wait of these tests for what has to happen.
const patience = 10 * time.Second

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

func withDeadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// scripted is a server that says what it is told to: after Engine.IO's open
// packet and the client's CONNECT, which it hands over.
func scripted(t *testing.T, script func(c *ws.Conn, connect string)) string {
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		ctx := context.Background()
		_ = c.Write(ctx, ws.MessageText, []byte(`0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`))
		_, connect, err := c.Read(ctx)
		if err == nil {
			script(c, string(connect))
		}
		for err == nil {
			_, _, err = c.Read(ctx)
		}
	}))
	t.Cleanup(hs.Close)
	return hs.URL
}

func say(c *ws.Conn, packets ...string) {
	for _, p := range packets {
		_ = c.Write(context.Background(), ws.MessageText, []byte(p))
	}
}

// Handlers that are there before Connect hear what the server says at once.
func TestHandlersBeforeConnect(t *testing.T) {
	url := scripted(t, func(c *ws.Conn, connect string) {
		say(c, `40{"sid":"abc"}`, `42["welcome",`+fmt.Sprintf("%q", connect)+`]`)
	})
	s, err := client.New(url, &client.Options{Auth: struct {
		Token string `json:"token"`
	}{"t"}})
	require.NoError(t, err)
	got := make(chan string, 1)
	s.On("welcome", func(text string) { got <- text })
	require.ErrorIs(t, s.Emit("too early"), client.ErrDisconnected)
	require.False(t, s.Connected())
	require.False(t, s.Active())
	require.NoError(t, s.Connect(withDeadline(t)))
	require.True(t, s.Connected())
	require.Equal(t, "abc", s.ID())
	require.Equal(t, `40{"token":"t"}`, wait(t, "the welcome", got))
	require.NoError(t, s.Connect(withDeadline(t)), "connecting twice is nothing")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is nothing")
	require.ErrorIs(t, s.Emit("too late"), client.ErrDisconnected)
	_, err = s.EmitWithAck(withDeadline(t), "too late")
	require.ErrorIs(t, err, client.ErrDisconnected)
}

// How a connection ends, in the official client's words.
func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		script func(*ws.Conn)
		want   string
	}{
		"the server disconnects":   {func(c *ws.Conn) { say(c, "41") }, "io server disconnect"},
		"its transport closes":     {func(c *ws.Conn) { go c.Close(ws.StatusGoingAway, "") }, "transport close"},
		"its transport breaks":     {func(c *ws.Conn) { c.CloseNow() }, "transport close"},
		"an Engine.IO close":       {func(c *ws.Conn) { say(c, "1") }, "transport close"},
		"a packet that is none":    {func(c *ws.Conn) { say(c, "42{}") }, "parse error"},
		"an Engine.IO packet none": {func(c *ws.Conn) { say(c, "9") }, "parse error"},
		"a frame that is none":     {func(c *ws.Conn) { c.NetConn().Write([]byte{0xff, 0xff}) }, "transport error"},
		"a handler panics":         {func(c *ws.Conn) { say(c, `42["panic"]`) }, "io client disconnect"},
	} {
		t.Run(name, func(t *testing.T) {
			begin := make(chan struct{})
			url := scripted(t, func(conn *ws.Conn, _ string) {
				say(conn, `40{"sid":"abc"}`)
				<-begin
				c.script(conn)
			})
			s, err := client.Dial(withDeadline(t), url, &client.Options{Logger: slog.New(slog.DiscardHandler), NoReconnection: true})
			require.NoError(t, err)
			defer s.Close()
			reasons := make(chan string, 2)
			s.OnDisconnect(func(reason string) { reasons <- reason })
			s.On("panic", func() { panic("in a handler") })
			pending := make(chan error, 1)
			go func() {
				_, err := s.EmitWithAck(context.Background(), "question")
				pending <- err
			}()
			close(begin)
			require.Equal(t, c.want, wait(t, "the reason", reasons))
			require.ErrorIs(t, wait(t, "the answer", pending), client.ErrDisconnected)
			require.False(t, s.Connected())
			s.Close()
			require.Empty(t, reasons, "told once")
		})
	}
}

func TestConnectFails(t *testing.T) {
	for name, c := range map[string]struct {
		script func(*ws.Conn)
		want   string
	}{
		"refused":                  {func(c *ws.Conn) { say(c, `44{"message":"not you","data":{"code":7}}`) }, "the server refused: not you"},
		"refused with a string":    {func(c *ws.Conn) { say(c, `44"no"`) }, `the server refused: "no"`},
		"without an id":            {func(c *ws.Conn) { say(c, `40`) }, "version 2"},
		"disconnected":             {func(c *ws.Conn) { say(c, `41`) }, "disconnected"},
		"the connection ends":      {func(c *ws.Conn) { c.CloseNow() }, "the connection ended"},
		"nonsense":                 {func(c *ws.Conn) { say(c, `4x`) }, "malformed"},
		"of another namespace too": {func(c *ws.Conn) { say(c, `40/a,{"sid":"x"}`, `44/a,"no"`, `41`) }, "disconnected"},
	} {
		t.Run(name, func(t *testing.T) {
			url := scripted(t, func(conn *ws.Conn, _ string) { c.script(conn) })
			_, err := client.Dial(withDeadline(t), url, nil)
			require.ErrorContains(t, err, c.want)
			var refused *client.ConnectError
			if errors.As(err, &refused) && name == "refused" {
				require.JSONEq(t, `{"code":7}`, string(refused.Data))
			}
		})
	}
	// A server that does not answer holds nobody up beyond the context.
	waiting := make(chan struct{})
	url := scripted(t, func(conn *ws.Conn, _ string) { close(waiting) })
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-waiting; cancel() }()
	_, err := client.Dial(ctx, url, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestOptionsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		url  string
		opts *client.Options
		want string
	}{
		"polling":     {"http://x/", &client.Options{Transports: []engineio.Transport{"pigeon"}}, "\"pigeon\" is not known"},
		"a bad URL":   {"http://x:y/", nil, "invalid port"},
		"a comma":     {"http://x/a,b", nil, "comma"},
		"no scheme":   {"127.0.0.1", nil, ""},
		"auth string": {"http://127.0.0.1:1/", &client.Options{Auth: "secret"}, "no JSON object"},
		"auth chan":   {"http://127.0.0.1:1/", &client.Options{Auth: make(chan int)}, "no JSON object"},
	} {
		_, err := client.Dial(withDeadline(t), c.url, c.opts)
		require.Error(t, err, name)
		require.ErrorContains(t, err, c.want, name)
	}
	s, err := client.New("http://x/", nil)
	require.NoError(t, err)
	require.Panics(t, func() { s.On("x", 1) })
	require.NoError(t, s.Close(), "never connected")
}

// Over TLS the server is verified unless the user says otherwise
// (CVE-2016-10536).
func TestTLSIsVerified(t *testing.T) {
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("secure", func(ack func(bool)) { ack(s.Handshake().Secure) })
	})
	hs := httptest.NewUnstartedServer(io)
	hs.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	hs.StartTLS()
	defer hs.Close()
	defer io.Close(withDeadline(t))
	_, err := client.Dial(withDeadline(t), hs.URL, nil)
	require.ErrorContains(t, err, "certificate")

	s, err := client.Dial(withDeadline(t), hs.URL, &client.Options{TLSConfig: hs.Client().Transport.(*http.Transport).TLSClientConfig})
	require.NoError(t, err)
	defer s.Close()
	answer, err := s.EmitWithAck(withDeadline(t), "secure")
	require.NoError(t, err)
	var secure bool
	require.NoError(t, answer.Decode(&secure))
	require.True(t, secure)
}

// The user's dialer is what opens the connection: so it runs over any network.
func TestDialerOfTheUser(t *testing.T) {
	io := socketio.NewServer(nil)
	hs := httptest.NewServer(io)
	defer hs.Close()
	defer io.Close(withDeadline(t))
	var asked string
	s, err := client.Dial(withDeadline(t), "http://server.test/", &client.Options{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			asked = network + " " + addr
			return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(hs.URL, "http://"))
		},
	})
	require.NoError(t, err)
	require.Equal(t, "tcp server.test:80", asked)
	require.NoError(t, s.Close())
}

// Close in a handler, as one would write it, is no deadlock; and what was
// emitted before it arrives.
func TestCloseInHandler(t *testing.T) {
	io := socketio.NewServer(nil)
	got := make(chan string, 2)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("last words", func(text string) { got <- text })
		s.OnDisconnect(func(reason string) { got <- reason })
		s.Emit("go")
	})
	hs := httptest.NewServer(io)
	defer hs.Close()
	defer io.Close(withDeadline(t))
	s, err := client.New(hs.URL, nil)
	require.NoError(t, err)
	closed := make(chan error, 1)
	reasons := make(chan string, 1)
	s.OnDisconnect(func(reason string) { reasons <- reason })
	s.On("go", func() {
		s.Emit("last words", "so long")
		closed <- s.Close()
	})
	require.NoError(t, s.Connect(withDeadline(t)))
	require.NoError(t, wait(t, "Close", closed))
	require.Equal(t, client.ReasonClientDisconnect, wait(t, "the reason", reasons))
	require.Equal(t, "so long", wait(t, "the event", got))
	require.Equal(t, socketio.ReasonClientNamespaceDisconnect, wait(t, "the server's reason", got))
}
