package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/engineio"
	"strata/ws"
)

// A namespace's middlewares are asked in order, may refuse with words and data,
// may put the socket into rooms and give it data, and may be slow: only that
// client waits.
func TestNamespaceMiddlewares(t *testing.T) {
	server, url, log := serve(t, nil)
	nsp := server.Of("/admin")
	nsp.Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		require.NoError(t, s.Handshake().DecodeAuth(&auth))
		switch auth.Token {
		case "":
			return errors.New("who are you?")
		case "bad":
			return fmt.Errorf("wrapped: %w", &socketio.ConnectError{Message: "no", Data: map[string]int{"code": 7}})
		case "panic":
			panic("in a middleware")
		}
		require.False(t, s.Connected())
		require.ErrorIs(t, s.Emit("too early"), socketio.ErrDisconnected)
		s.SetData(auth.Token)
		return nil
	})
	nsp.Use(func(s *socketio.Socket) error { s.Join("user:" + s.Data().(string)); return nil })
	rooms := make(chan []string, 1)
	nsp.OnConnection(func(s *socketio.Socket) { rooms <- s.Rooms() })
	p := raw(t, url)
	for _, c := range [][2]string{
		{`40/admin,`, `44/admin,{"message":"who are you?"}`},
		{`40/admin,{"token":"bad"}`, `44/admin,{"message":"wrapped: no","data":{"code":7}}`},
		{`40/admin,{"token":"panic"}`, `44/admin,{"message":"internal error"}`},
	} {
		p.say(c[0])
		require.Equal(t, c[1], p.read())
	}
	require.Contains(t, log.String(), "in a middleware")
	p.say(`40/admin,{"token":"Ada"}`)
	require.Contains(t, p.read(), `40/admin,{"sid"`)
	require.Equal(t, "user:Ada", wait(t, "the rooms", rooms)[1])
	require.EqualValues(t, 3, server.Counters().ConnectErrors)
}

// While a middleware is asked, a second CONNECT to the same namespace breaks the
// protocol, and a client that leaves is not brought back by the answer.
func TestClientsDoNotWaitForMiddlewares(t *testing.T) {
	server, url, _ := serve(t, nil)
	gate := make(chan struct{})
	asked := make(chan bool, 2)
	server.Use(func(s *socketio.Socket) error { asked <- true; <-gate; return nil })
	server.OnConnection(func(s *socketio.Socket) { t.Error("it had left") })
	p := raw(t, url)
	p.say("40")
	wait(t, "the middleware", asked)
	p.say("40")
	p.end()
	close(gate)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, server.Close(ctx))
	require.Zero(t, server.Counters().Sockets)
}

// A socket's middlewares see each event between the catch-all listeners and the
// handlers; what they refuse goes to OnError.
func TestSocketMiddlewaresAndCatchAll(t *testing.T) {
	server, url, _ := serve(t, nil)
	told := make(chan string, 16)
	server.OnConnection(func(s *socketio.Socket) {
		s.OnAny(func(event string, args socketio.Args) { told <- fmt.Sprint("any ", event, " ", args.Len()) })
		s.PrependAny(func(event string, _ socketio.Args) { told <- "first " + event })
		s.OnAnyOutgoing(func(event string, args socketio.Args) {
			var n int
			_ = args.Decode(&n)
			told <- fmt.Sprint("out ", event, n)
		})
		s.Use(func(event string, args socketio.Args) error {
			if event == "forbidden" {
				return errors.New("not you")
			}
			told <- "use " + event
			return nil
		})
		s.OnError(func(err error) { told <- "error " + err.Error() })
		s.On("x", func() error { told <- "handler"; return io.EOF })
		s.On("typed", func(int) {})
		s.Once("once", func() { told <- "once" })
		require.Equal(t, []string{"once", "typed", "x"}, s.EventNames())
	})
	p := raw(t, url)
	p.say("40")
	p.read()
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			require.Equal(t, w, wait(t, w, told))
		}
	}
	p.say(`42["x",1,2]`)
	expect("first x", "any x 2", "use x", "handler", `error event "x": EOF`)
	p.say(`42["forbidden"]`)
	expect("first forbidden", "any forbidden 0", "error not you")
	p.say(`42["typed","no"]`)
	expect("first typed", "any typed 1", "use typed")
	require.Contains(t, wait(t, "the error", told), "argument 1 as int")
	p.say(`42["once"]`, `42["once"]`)
	expect("first once", "any once 0", "use once", "once", "first once", "any once 0", "use once")
	require.NoError(t, server.Emit("news", 5))
	expect("out news5")
	s := server.Of("/").Sockets()[0]
	require.NoError(t, s.Emit("own", 6))
	expect("out own6")
	s.OffAnyOutgoing()
	s.OffAny()
	require.NoError(t, server.Emit("news", 7))
	p.say(`42["x"]`)
	expect("use x")
}

// A socket that ends between being chosen and being sent to counts as one that is
// missing, once: the answers of the others are not taken for its, and nobody waits.
func TestBroadcastAcksWhileSocketsEnd(t *testing.T) {
	server, url, _ := serve(t, nil)
	joined := make(chan *socketio.Socket, 2)
	server.OnConnection(func(s *socketio.Socket) { joined <- s })
	for range 2 {
		dial(t, url, nil).On("who", func() string { return "me" })
	}
	a, b := wait(t, "a socket", joined), wait(t, "a socket", joined)
	// Whoever is sent to first ends the other.
	a.OnAnyOutgoing(func(string, socketio.Args) { b.Disconnect(true) })
	b.OnAnyOutgoing(func(string, socketio.Args) { a.Disconnect(true) })
	answers, err := server.Timeout(patience).EmitWithAck(t.Context(), "who")
	var missing *socketio.MissingAcksError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, 1, missing.Missing)
	require.ErrorIs(t, err, socketio.ErrDisconnected)
	require.Len(t, answers, 1)
}

// Nobody joins a namespace before the program has been told of it, and has had the
// time to add its handlers: neither who it is made for nor who comes meanwhile.
func TestNamespacesAreToldOfBeforeTheyAreJoined(t *testing.T) {
	server, url, _ := serve(t, nil)
	server.OfPattern(regexp.MustCompile(`^/n$`))
	being, release := make(chan bool, 2), make(chan bool)
	var joined atomic.Int64
	server.OnNewNamespace(func(n *socketio.Namespace) {
		being <- true
		<-release
		n.OnConnection(func(s *socketio.Socket) {
			joined.Add(1)
			_ = s.Emit("here")
		})
	})
	first, second := raw(t, url), raw(t, url)
	first.say("40/n,")
	wait(t, "the namespace", being)
	second.say("40/n,")
	require.Eventually(t, func() bool { return server.Counters().PacketsIn >= 2 }, patience, time.Millisecond)
	require.Zero(t, server.Counters().Joined)
	close(release)
	for _, p := range []*peer{first, second} {
		require.Contains(t, p.read(), `40/n,{"sid"`)
		require.Equal(t, `42/n,["here"]`, p.read())
	}
	require.EqualValues(t, 2, joined.Load())
	require.Empty(t, being, "told once")
}

// Namespaces that a pattern or a function makes have the parent's middlewares
// and handlers, hear what it emits, and go when they are empty.
func TestDynamicNamespaces(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{CleanupEmptyChildNamespaces: true})
	made := make(chan string, 8)
	server.OnNewNamespace(func(n *socketio.Namespace) { made <- n.Name() })
	workspaces := server.OfPattern(regexp.MustCompile(`^/ws-\d+$`))
	workspaces.Use(func(s *socketio.Socket) error {
		if s.Namespace().Name() == "/ws-13" {
			return errors.New("unlucky")
		}
		return nil
	})
	gone := make(chan string, 8)
	workspaces.OnConnection(func(s *socketio.Socket) {
		s.Join("room")
		_ = s.Emit("welcome", s.Namespace().Name())
		s.OnDisconnect(func(string) { gone <- s.Namespace().Name() })
	})
	byToken := server.OfFunc(func(name string, auth json.RawMessage) bool { return string(auth) == `{"token":"t"}` })
	p := raw(t, url)
	p.say("40/ws-1,")
	require.Contains(t, p.read(), "40/ws-1,")
	require.Equal(t, `42/ws-1,["welcome","/ws-1"]`, p.read())
	require.Equal(t, "/ws-1", wait(t, "the namespace", made))
	p.say("40/ws-22,")
	require.Contains(t, p.read(), "40/ws-22,")
	p.read()
	p.say("40/ws-13,")
	require.Equal(t, `44/ws-13,{"message":"unlucky"}`, p.read())
	p.say("40/ws-x,", `40/secret,{"token":"t"}`)
	require.Equal(t, `44/ws-x,{"message":"Invalid namespace"}`, p.read())
	require.Contains(t, p.read(), `40/secret,{"sid"`)
	require.Len(t, byToken.Children(), 1)
	p.say("41/ws-1,")
	require.Equal(t, "/ws-1", wait(t, "the end", gone))
}

func TestParentsSpeakToTheirChildren(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{CleanupEmptyChildNamespaces: true})
	parent := server.OfPattern(regexp.MustCompile(`^/n-\d+$`))
	parent.SetMaxChildren(2)
	gone := make(chan string, 8)
	inRoom := make(chan bool, 8)
	parent.OnConnection(func(s *socketio.Socket) {
		s.Join("room")
		inRoom <- true
		s.OnDisconnect(func(string) { gone <- s.Namespace().Name() })
	})
	static := server.Of("/n-7") // a child as well, though nobody has joined
	require.Equal(t, []*socketio.Namespace{static}, parent.Children())
	p := raw(t, url)
	p.say("40/n-1,")
	p.read()
	p.say("40/n-2,")
	require.Equal(t, `44/n-2,{"message":"Invalid namespace"}`, p.read(), "too many")
	p.say("40/n-7,")
	p.read()
	wait(t, "one in the room", inRoom)
	wait(t, "both in the room", inRoom)
	require.NoError(t, parent.Emit("all", 1))
	require.ElementsMatch(t, []string{`42/n-1,["all",1]`, `42/n-7,["all",1]`}, []string{p.read(), p.read()})
	require.NoError(t, parent.To("room").Emit("room"))
	require.ElementsMatch(t, []string{`42/n-1,["room"]`, `42/n-7,["room"]`}, []string{p.read(), p.read()})
	require.NoError(t, parent.Except("room").Emit("nobody"))
	_, err := parent.To("room").FetchSockets(context.Background())
	require.Error(t, err)
	_, err = parent.Local().EmitWithAck(context.Background(), "x")
	require.Error(t, err)

	p.say("41/n-1,", "41/n-7,")
	wait(t, "the end", gone)
	wait(t, "the end", gone)
	p.say("40/n-2,")
	require.Contains(t, p.read(), "40/n-2,{", "there is room again")
	require.Contains(t, parent.Children(), static, "what the program made stays")
	require.Len(t, parent.Children(), 2)
}

// The answers to a broadcast: all of them, or those that came and the number of
// those that did not; who does not answer is not waited for for ever, and
// nothing is left of it.
func TestBroadcastAcks(t *testing.T) {
	server, url, _ := serve(t, nil)
	var leave atomic.Bool
	for i := range 3 {
		c := dial(t, url, nil)
		c.On("n", func(ack func(int)) {
			if i < 2 {
				ack(i)
			} else if leave.Load() {
				c.Close()
			}
		})
		c.On("all", func(ack func(int)) { ack(i) })
	}
	require.Eventually(t, func() bool { return len(server.Of("/").Sockets()) == 3 }, patience, time.Millisecond)
	ctx := context.Background()
	numbers := func(answers []socketio.Args) (got []int) {
		for _, a := range answers {
			var n int
			require.NoError(t, a.Decode(&n))
			got = append(got, n)
		}
		slices.Sort(got)
		return got
	}
	answers, err := server.EmitWithAck(ctx, "all")
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 2}, numbers(answers))

	answers, err = server.Timeout(50*time.Millisecond).EmitWithAck(ctx, "n")
	var missing *socketio.MissingAcksError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, 1, missing.Missing)
	require.ErrorIs(t, err, socketio.ErrAckTimeout)
	require.ErrorContains(t, err, "operation has timed out")
	require.Equal(t, []int{0, 1}, numbers(answers))

	leave.Store(true)
	answers, err = server.EmitWithAck(ctx, "n") // nobody's time is up: the one that is silent leaves
	require.ErrorIs(t, err, socketio.ErrDisconnected)
	require.Equal(t, []int{0, 1}, numbers(answers))

	answers, err = server.To("nobody").EmitWithAck(ctx, "n")
	require.NoError(t, err)
	require.Empty(t, answers)

	sockets, err := server.FetchSockets(ctx)
	require.NoError(t, err)
	require.Len(t, sockets, 2)
	answer, err := sockets[0].EmitWithAck(ctx, "all")
	require.NoError(t, err)
	require.Equal(t, 1, answer.Len())

	s := server.Of("/").Socket(sockets[0].ID)
	_, err = s.Timeout(time.Millisecond).EmitWithAck(ctx, "nobody hears this")
	require.ErrorIs(t, err, socketio.ErrAckTimeout)
}

// What is done to all sockets that a broadcast would reach.
func TestOperationsOnManySockets(t *testing.T) {
	server, url, _ := serve(t, nil)
	var mu sync.Mutex
	var rooms []string
	note := func(what string) func(string) {
		return func(room string) { mu.Lock(); rooms = append(rooms, what+" "+room); mu.Unlock() }
	}
	note2 := func(what string) func(string, string) { return func(room, _ string) { note(what)(room) } }
	server.Of("/").OnRooms(socketio.RoomEvents{Created: note("+"), Deleted: note("-"), Joined: note2("in"), Left: note2("out")})
	gone, ready := make(chan string, 3), make(chan struct{}, 1)
	server.OnConnection(func(s *socketio.Socket) {
		s.SetData(map[string]int{"n": 1})
		s.OnDisconnecting(func(string) { gone <- fmt.Sprint(len(s.Rooms()) > 1) })
		s.OnDisconnect(func(reason string) { gone <- reason })
		ready <- struct{}{}
	})
	c := dial(t, url, nil)
	wait(t, "OnConnection", ready)
	id := c.ID()
	require.Eventually(t, func() bool { return len(server.Of("/").Sockets()) == 1 }, patience, time.Millisecond)
	require.NoError(t, server.SocketsJoin("a", "b"))
	require.NoError(t, server.To("a").SocketsJoin("c"))
	require.NoError(t, server.To("b").SocketsLeave("a", "never"))
	sockets, err := server.To("c").FetchSockets(context.Background())
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	require.Equal(t, []string{id, "b", "c"}, sockets[0].Rooms)
	text, err := json.Marshal(sockets[0])
	require.NoError(t, err)
	for _, want := range []string{`"rooms":["` + id, `"data":{"n":1}`, `"headers":{`, `"query":{"EIO":"4"`, `"secure":false`, `"issued":`} {
		require.Contains(t, string(text), want)
	}
	require.NoError(t, sockets[0].Join("d"))
	require.NoError(t, sockets[0].Leave("d"))
	require.NoError(t, sockets[0].Emit("hi"))
	n, err := server.Of("/").Adapter().ServerCount(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, server.Except("x").DisconnectSockets(true))
	require.Equal(t, "true", wait(t, "disconnecting", gone), "the rooms are still there")
	require.Equal(t, "server namespace disconnect", wait(t, "the end", gone))
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"+ " + id, "in " + id, "+ a", "in a", "+ b", "in b", "+ c", "in c", "out a", "- a", "+ d", "in d", "out d", "- d"}, rooms[:14])
	require.ElementsMatch(t, []string{"out b", "- b", "out c", "- c", "out " + id, "- " + id}, rooms[14:])
}

// Events between servers: here there is only one, which hears nothing of itself.
func TestServerSideEmit(t *testing.T) {
	server, _, _ := serve(t, nil)
	server.On("ping", func(n int) int { t.Error("heard ourselves"); return n })
	require.NoError(t, server.ServerSideEmit("ping", 1))
	answers, err := server.ServerSideEmitWithAck(context.Background(), "ping", 1)
	require.NoError(t, err)
	require.Empty(t, answers)
	for _, reserved := range []string{"connection", "connect", "new_namespace"} {
		require.Error(t, server.ServerSideEmit(reserved))
	}
}

// Volatile events are for those who can take them now. A client without a poll
// waiting cannot, and an ordinary event is kept for it.
func TestVolatile(t *testing.T) {
	server, url, _ := serve(t, nil)
	joined := make(chan *socketio.Socket, 1)
	server.OnConnection(func(s *socketio.Socket) { joined <- s })
	url += "/socket.io/?EIO=4&transport=polling"
	get := func() string {
		resp, err := http.Get(url)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(b)
	}
	var open struct{ SID string }
	require.NoError(t, json.Unmarshal([]byte(get()[1:]), &open))
	url += "&sid=" + open.SID
	resp, err := http.Post(url, "text/plain", strings.NewReader("40"))
	require.NoError(t, err)
	resp.Body.Close()
	s := wait(t, "the socket", joined)
	get()
	require.NoError(t, s.Volatile().Emit("lost"))
	require.NoError(t, server.Volatile().Emit("lost too"))
	require.NoError(t, s.Emit("kept"))
	require.NoError(t, s.Volatile().Emit("lost as well"))
	require.Equal(t, `42["kept"]`, get())
	require.EqualValues(t, 3, server.Counters().VolatileDropped)
	polled := make(chan string, 1)
	go func() { polled <- get() }()
	require.Eventually(t, func() bool {
		before := server.Counters().VolatileDropped
		require.NoError(t, s.Volatile().Compress(false).Emit("now"))
		return server.Counters().VolatileDropped == before
	}, patience, time.Millisecond)
	require.Equal(t, `42["now"]`, wait(t, "the poll", polled))
}

// EmitWait waits for a slow client, as long as its context.
func TestEmitWait(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{SendPackets: 4})
	joined := make(chan *socketio.Socket, 1)
	server.OnConnection(func(s *socketio.Socket) { joined <- s })
	p := raw(t, url)
	p.say("40")
	s := wait(t, "the socket", joined)
	ballast := strings.Repeat("x", 1<<20)
	sent := 0
	for full := 0; full < 3; { // the kernel takes some, and not always at once
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		err := s.EmitWait(ctx, "n", sent, ballast)
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			full++
			continue
		}
		sent++
		full = 0
	}
	require.True(t, s.Connected(), "who waits does not end the client")
	packets, bytes := s.Waiting()
	require.Equal(t, 4, packets)
	require.GreaterOrEqual(t, bytes, 4<<20)
	p.conn.SetReadLimit(2 << 20)
	p.read()
	last := make(chan error, 1)
	go func() { last <- s.EmitWait(context.Background(), "n", sent) }()
	for n := range sent + 1 {
		require.True(t, strings.HasPrefix(p.read(), fmt.Sprintf(`42["n",%d`, n)), n)
	}
	require.NoError(t, wait(t, "the last", last))
}

// Handlers may return their answer, and have a context that ends with the
// socket.
func TestHandlersThatReturn(t *testing.T) {
	server, url, _ := serve(t, nil)
	ended := make(chan error, 1)
	sockets := make(chan *socketio.Socket, 1)
	server.OnConnection(func(s *socketio.Socket) {
		s.On("add", func(ctx context.Context, a, b int) (int, error) {
			if a < 0 {
				return 0, &refusal{}
			}
			return a + b, ctx.Err()
		})
		s.On("wait", func(ctx context.Context) { <-ctx.Done(); ended <- context.Cause(ctx) })
		sockets <- s
	})
	p := raw(t, url)
	p.say("40")
	p.read()
	p.say(`421["add",2,3]`, `422["add",-1,3]`, `42["wait"]`)
	require.Equal(t, `431[5]`, p.read())
	require.Equal(t, `432[{"error":"negative","data":{"min":0}}]`, p.read())
	p.conn.CloseNow()
	require.ErrorIs(t, wait(t, "the context", ended), socketio.ErrDisconnected)
	require.Error(t, wait(t, "the socket", sockets).Context().Err(), "also one that is asked for later")
}

type refusal struct{}

func (*refusal) Error() string { return "negative" }
func (*refusal) AckData() any  { return map[string]int{"min": 0} }

// The browser's client comes from a folder of the program's; nothing else in it
// does.
func TestClientFiles(t *testing.T) {
	_, url, _ := serve(t, &socketio.Options{ClientFiles: fstest.MapFS{
		"socket.io.js":     {Data: []byte(strings.Repeat("client", 1000))},
		"socket.io.js.map": {Data: []byte("{}")},
		"secret.txt":       {Data: []byte("secret")},
	}})
	resp, err := http.Get(url + "/socket.io/socket.io.js")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 6000, len(body), "net/http unpacks gzip")
	require.True(t, resp.Uncompressed)
	require.Equal(t, "public, max-age=0", resp.Header.Get("Cache-Control"))
	etag := resp.Header.Get("ETag")
	for _, match := range []string{etag, "W/" + etag} {
		req, err := http.NewRequest("GET", url+"/socket.io/socket.io.js", nil)
		require.NoError(t, err)
		req.Header.Set("If-None-Match", match)
		resp, err = http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 304, resp.StatusCode)
	}
	for path, status := range map[string]int{"socket.io.js.map": 200, "socket.io.min.js": 404, "secret.txt": 400, "../secret.txt": 400} {
		resp, err := http.Get(url + "/socket.io/" + path)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, status, resp.StatusCode, path)
	}
}

// One connection cannot have us keep any number of namespaces.
func TestNamespacesOfAConnectionAreBounded(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{MaxNamespaces: 2})
	server.OfPattern(regexp.MustCompile(`.`))
	p := raw(t, url)
	p.say("40", "40/a,", "40/b,")
	p.read()
	p.read()
	require.Equal(t, `44/b,{"message":"Too many namespaces"}`, p.read())
}

// A request may be refused, before there is a session, with the program's words.
func TestAllowRequestAndHeaders(t *testing.T) {
	refused := make(chan string, 2)
	_, url, _ := serve(t, &socketio.Options{
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("key") != "k" {
				return errors.New("no key, no session")
			}
			return nil
		},
		Cookie:         &http.Cookie{HttpOnly: true},
		InitialHeaders: func(h http.Header, r *http.Request) { h.Set("X-First", "1") },
		Headers:        func(h http.Header, r *http.Request) { h.Set("X-Every", "1") },
		OnConnectionError: func(e *engineio.ConnectionError) {
			refused <- fmt.Sprint(e.Code, " ", e.Message, " ", e.Context)
		},
	})
	resp, err := http.Get(url + "/socket.io/?EIO=4&transport=polling")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 403, resp.StatusCode)
	require.JSONEq(t, `{"code":4,"message":"no key, no session"}`, string(body))
	require.Equal(t, "4 no key, no session ", wait(t, "the refusal", refused))
	_, upgrade, err := ws.Dial(context.Background(), url+"/socket.io/?EIO=4&transport=websocket", nil)
	require.Error(t, err)
	require.Equal(t, 403, upgrade.StatusCode)

	resp, err = http.Get(url + "/socket.io/?EIO=4&transport=polling&key=k")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "1", resp.Header.Get("X-First")+"")
	require.Equal(t, "1", resp.Header.Get("X-Every"))
	cookie := resp.Cookies()[0]
	require.Equal(t, "io", cookie.Name)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
}
