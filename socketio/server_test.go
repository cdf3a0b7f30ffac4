package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/trace"
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

// logs is where a server's log goes in a test.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve is a server on the loopback.
func serve(t *testing.T, opts *socketio.Options) (io *socketio.Server, url string, log *logs) {
	if opts == nil {
		opts = &socketio.Options{}
	}
	log = &logs{}
	opts.Logger = slog.New(slog.NewTextHandler(log, nil))
	io = socketio.NewServer(opts)
	hs := httptest.NewServer(io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, io.Close(ctx))
		hs.Close()
	})
	return io, hs.URL, log
}

func dial(t *testing.T, url string, opts *client.Options) *client.Socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := client.Dial(ctx, url, opts)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// ask emits an event with an ack and decodes the answer.
func ask(t *testing.T, s *client.Socket, event string, args []any, into ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := s.EmitWithAck(ctx, event, args...)
	require.NoError(t, err)
	require.NoError(t, answer.Decode(into...))
}

// peer is a client made of nothing but a WebSocket: it says what clients should
// not.
type peer struct {
	t    *testing.T
	conn *ws.Conn
}

func raw(t *testing.T, url string) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := ws.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	require.NoError(t, err)
	t.Cleanup(func() { c.CloseNow() })
	p := &peer{t, c}
	require.Equal(t, "0", p.read()[:1])
	return p
}

func (p *peer) say(packets ...string) {
	p.t.Helper()
	for _, packet := range packets {
		require.NoError(p.t, p.conn.Write(context.Background(), ws.MessageText, []byte(packet)))
	}
}

func (p *peer) read() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, b, err := p.conn.Read(ctx)
	require.NoError(p.t, err)
	return string(b)
}

// TestAnswerLeavesThoughNothingElseIsRead fills a socket's mailbox, so that nothing
// more is read from its client: the answer that was given before is not held back
// for that, nor is what is said to the client meanwhile.
func TestAnswerLeavesThoughNothingElseIsRead(t *testing.T) {
	io, url, _ := serve(t, nil)
	free, handled := make(chan bool), make(chan int, 1000)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("slow", func(ack func(string)) {
			ack("answered")
			<-free
		})
		s.On("n", func(n int) { handled <- n })
	})
	p := raw(t, url)
	p.say("40")
	require.Equal(t, "40", p.read()[:2])
	const behind = 600 // more than fits into a mailbox
	require.NoError(t, p.conn.Batch(func() error {
		p.say(`420["slow"]`)
		for n := range behind {
			p.say(fmt.Sprintf(`42["n",%d]`, n))
		}
		return nil
	}))
	require.Equal(t, `430["answered"]`, p.read())
	require.NoError(t, io.Emit("news"))
	require.Equal(t, `42["news"]`, p.read())
	require.Empty(t, handled)
	close(free)
	for n := range behind {
		require.Equal(t, n, wait(t, "an event", handled))
	}
}

// TestProgramMayWaitForEventsBefore has functions of the program's, which are called
// while what a client sends next waits, wait themselves: for the handler of an event
// that came just before. It has begun.
func TestProgramMayWaitForEventsBefore(t *testing.T) {
	for name, packet := range map[string]string{
		"which namespaces there are":  "40/new,",
		"a client leaves a namespace": "41",
		"a client is thrown out":      "40",
	} {
		t.Run(name, func(t *testing.T) {
			io, url, _ := serve(t, nil)
			handled, waited := make(chan struct{}), make(chan string, 2)
			ready := make(chan struct{}, 2)
			io.OnConnection(func(s *socketio.Socket) {
				s.On("e", func() { close(handled) })
				s.OnDisconnecting(func(string) { <-handled; waited <- "OnDisconnecting" })
				ready <- struct{}{}
			})
			io.OfFunc(func(string, json.RawMessage) bool { <-handled; waited <- "OfFunc"; return true })
			p := raw(t, url)
			p.say("40")
			require.Equal(t, "40", p.read()[:2])
			wait(t, "OnConnection", ready)
			require.NoError(t, p.conn.Batch(func() error {
				p.say(`42["e"]`, packet)
				return nil
			}))
			wait(t, name, waited)
		})
	}
}

// end reads until the server closes and gives its code.
func (p *peer) end() ws.StatusCode {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, _, err := p.conn.Read(ctx); err != nil {
			require.NoError(p.t, ctx.Err(), "the server does not close")
			return ws.CloseStatus(err)
		}
	}
}

func TestEventsAndAcksBothWays(t *testing.T) {
	io, url, _ := serve(t, nil)
	ids := make(chan string, 1)
	io.OnConnection(func(s *socketio.Socket) {
		ids <- s.ID()
		s.On("hello", func(name string, ack func(string)) { ack("hello, " + name) })
		s.On("upload", func(file []byte, meta map[string]any, ack func([]byte, any)) { ack(file, meta) })
		s.On("ask me", func(ack func(string)) {
			// A handler may wait for an answer: acks do not queue behind it.
			answer, err := s.EmitWithAck(context.Background(), "question", 6, []byte("binary"))
			require.NoError(t, err)
			var n int
			require.NoError(t, answer.Decode(&n))
			ack(fmt.Sprint("you said ", n))
		})
	})
	c := dial(t, url, nil)
	require.Equal(t, wait(t, "the connection", ids), c.ID())
	require.Len(t, c.ID(), 20)
	c.On("question", func(n int, b []byte, ack func(int)) {
		require.Equal(t, "binary", string(b))
		ack(n * 7)
	})

	var s string
	ask(t, c, "hello", []any{"Ada"}, &s)
	require.Equal(t, "hello, Ada", s)
	ask(t, c, "ask me", nil, &s)
	require.Equal(t, "you said 42", s)
	var file []byte
	var meta any
	ask(t, c, "upload", []any{[]byte{0, 255}, map[string]any{"thumb": []byte{1}, "html": "<&>"}}, &file, &meta)
	require.Equal(t, []byte{0, 255}, file)
	require.Equal(t, map[string]any{"thumb": []byte{1}, "html": "<&>"}, meta)
}

// Events are handled one at a time, in the order they were sent, also when they
// are more than may wait.
func TestEventsOfASocketAreInOrder(t *testing.T) {
	io, url, _ := serve(t, nil)
	const events = 2000
	got := make(chan int, events)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("n", func(n int) { got <- n })
	})
	c := dial(t, url, nil)
	for i := range events {
		require.NoError(t, c.Emit("n", i))
	}
	for i := range events {
		require.Equal(t, i, wait(t, "an event", got))
	}
}

// The answer to CONNECT is the first thing a client gets, even where the
// handler emits at once; and what the client sends at once waits for the
// handlers that the connection handler registers.
func TestConnectionComesFirst(t *testing.T) {
	io, url, _ := serve(t, nil)
	got := make(chan string, 1)
	release := make(chan struct{})
	io.OnConnection(func(s *socketio.Socket) {
		require.NoError(t, s.Emit("welcome"))
		<-release
		s.On("early", func(text string) { got <- text })
	})
	p := raw(t, url)
	p.say("40", `42["early","bird"]`)
	require.Regexp(t, `^40{"sid":"[-_A-Za-z0-9]{20}"}$`, p.read())
	require.Equal(t, `42["welcome"]`, p.read())
	close(release)
	require.Equal(t, "bird", wait(t, "the event", got))
}

func TestRoomsAndBroadcasts(t *testing.T) {
	io, url, _ := serve(t, nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("join", func(room string, ack func([]string)) { s.Join(room, "all"); ack(s.Rooms()) })
		s.On("leave", func(room string, ack func([]string)) { s.Leave(room); ack(s.Rooms()) })
		s.On("others", func() { require.NoError(t, s.Broadcast().Emit("news", "others")) })
		s.On("room", func(room string) { require.NoError(t, s.To(room).Emit("news", "room")) })
	})
	got := make(chan string, 100)
	clients := map[string]*client.Socket{}
	for _, name := range []string{"a", "b", "c"} {
		c := dial(t, url, nil)
		c.On("news", func(what string, bin []byte) { got <- name + " " + what + string(bin) })
		clients[name] = c
		var rooms []string
		ask(t, c, "join", []any{"room " + name}, &rooms)
		require.Equal(t, []string{c.ID(), "all", "room " + name}, rooms)
	}
	// heard sends, and then something that everybody gets: what came before
	// it is all that was got.
	heard := func(send func()) []string {
		send()
		for _, c := range clients { // what they sent is handled
			var rooms []string
			ask(t, c, "leave", []any{"nothing"}, &rooms)
		}
		require.NoError(t, io.Emit("news", "end"))
		var all []string
		for ends := 0; ends < len(clients); {
			if s := wait(t, "news", got); strings.HasSuffix(s, " end") {
				ends++
			} else {
				all = append(all, s)
			}
		}
		return all
	}
	ids := func(names ...string) (ids []string) {
		for _, n := range names {
			ids = append(ids, clients[n].ID())
		}
		return ids
	}
	emit := func(b socketio.Broadcast) func() {
		return func() { require.NoError(t, b.Emit("news", "x", []byte("!"))) }
	}
	for _, c := range []struct {
		name string
		send func()
		want []string
	}{
		{"a room", emit(io.To("room a")), []string{"a x!"}},
		{"several rooms, each socket once", emit(io.To("room a", "room b", "all")), []string{"a x!", "b x!", "c x!"}},
		{"a socket's own room", emit(io.To(ids("b")...)), []string{"b x!"}},
		{"except", emit(io.To("all").Except("room a").Except(ids("c")...)), []string{"b x!"}},
		{"everybody except", emit(io.Except("room b")), []string{"a x!", "c x!"}},
		{"no such room", emit(io.To("nowhere")), nil},
		{"the others", func() { require.NoError(t, clients["a"].Emit("others")) }, []string{"b others", "c others"}},
		{"the others in a room", func() { require.NoError(t, clients["a"].Emit("room", "all")) }, []string{"b room", "c room"}},
		{"after one left", func() {
			var rooms []string
			ask(t, clients["a"], "leave", []any{"all"}, &rooms)
			require.Equal(t, []string{clients["a"].ID(), "room a"}, rooms)
			emit(io.To("all"))()
		}, []string{"b x!", "c x!"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.ElementsMatch(t, c.want, heard(c.send)) })
	}
	require.Len(t, io.Of("/").Sockets(), 3)
	require.Equal(t, 3, io.Clients())
}

func TestNamespacesShareAConnection(t *testing.T) {
	io, url, _ := serve(t, nil)
	io.OnConnection(func(s *socketio.Socket) {})
	reasons := make(chan string, 2)
	io.Of("admin").OnConnection(func(s *socketio.Socket) {
		var auth struct{ Token string }
		require.NoError(t, s.Handshake().DecodeAuth(&auth))
		require.Equal(t, "/admin", s.Namespace().Name())
		require.NoError(t, s.Emit("welcome", auth.Token, s.Handshake().Query().Get("q")))
		s.On("x", func(ack func(string)) { ack("admin") })
		s.OnDisconnect(func(reason string) { reasons <- reason })
	})
	p := raw(t, url)
	p.say("40")
	main := p.read()
	p.say(`40/admin,{"token":"t"}`)
	admin := p.read()
	require.Contains(t, admin, "40/admin,")
	require.NotEqual(t, main[len(`40{"sid":`):], admin[len(`40/admin,{"sid":`):], "a socket a namespace")
	require.Equal(t, `42/admin,["welcome","t",""]`, p.read())
	p.say(`42/admin,5["x"]`)
	require.Equal(t, `43/admin,5["admin"]`, p.read())
	p.say("40/unknown,")
	require.Equal(t, `44/unknown,{"message":"Invalid namespace"}`, p.read())
	p.say("41/admin,")
	require.Equal(t, socketio.ReasonClientNamespaceDisconnect, wait(t, "the reason", reasons))
	require.NoError(t, io.Emit("still"))
	require.Equal(t, `42["still"]`, p.read(), "the other namespace stays")

	c := dial(t, url+"/admin?q=1", &client.Options{Auth: map[string]string{"token": "u"}})
	require.Equal(t, "/admin", c.Namespace())
	var who string
	ask(t, c, "x", nil, &who)
	require.Equal(t, "admin", who)
	_, err := client.Dial(context.Background(), url+"/unknown", nil)
	var refused *client.ConnectError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "Invalid namespace", refused.Message)
	require.Panics(t, func() { io.Of("a,b") })
}

// The Socket.IO id may be shown around; the Engine.IO id is a secret. They must
// not be the same.
func TestIDIsNotTheSessions(t *testing.T) {
	_, url, _ := serve(t, nil)
	ctx := context.Background()
	conn, _, err := ws.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	require.NoError(t, err)
	defer conn.CloseNow()
	_, open, err := conn.Read(ctx)
	require.NoError(t, err)
	require.NoError(t, conn.Write(ctx, ws.MessageText, []byte("40")))
	_, joined, err := conn.Read(ctx)
	require.NoError(t, err)
	var engine, socket struct{ SID string }
	require.NoError(t, json.Unmarshal(open[1:], &engine))
	require.NoError(t, json.Unmarshal(joined[2:], &socket))
	require.NotEqual(t, engine.SID, socket.SID)
}

// How a socket ends, and what its handler is told.
func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(p *peer, s *socketio.Socket)
		want string
	}{
		"the client leaves":                {func(p *peer, s *socketio.Socket) { p.say("41") }, "client namespace disconnect"},
		"the connection ends":              {func(p *peer, s *socketio.Socket) { p.conn.CloseNow() }, "transport close"},
		"a close frame":                    {func(p *peer, s *socketio.Socket) { p.conn.Close(ws.StatusNormalClosure, "") }, "transport close"},
		"we disconnect it":                 {func(p *peer, s *socketio.Socket) { s.Disconnect(false) }, "server namespace disconnect"},
		"we close its connection":          {func(p *peer, s *socketio.Socket) { s.Disconnect(true) }, "server namespace disconnect"},
		"a second CONNECT":                 {func(p *peer, s *socketio.Socket) { p.say("40") }, "forced server close"},
		"an event for nothing joined":      {func(p *peer, s *socketio.Socket) { p.say(`42/admin,["x"]`) }, "forced server close"},
		"a DISCONNECT of nothing":          {func(p *peer, s *socketio.Socket) { p.say(`41/admin,`) }, "forced server close"},
		"CONNECT_ERROR from the client":    {func(p *peer, s *socketio.Socket) { p.say(`44"no"`) }, "forced server close"},
		"a packet that is none":            {func(p *peer, s *socketio.Socket) { p.say(`42{}`) }, "forced close"},
		"a reserved event":                 {func(p *peer, s *socketio.Socket) { p.say(`42["disconnect"]`) }, "forced close"},
		"eleven attachments":               {func(p *peer, s *socketio.Socket) { p.say(`4511-["x"]`) }, "forced close"},
		"an Engine.IO packet that is none": {func(p *peer, s *socketio.Socket) { p.say(`x`) }, "parse error"},
		"a frame that is none": {func(p *peer, s *socketio.Socket) {
			_, err := p.conn.NetConn().Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
			require.NoError(p.t, err)
		}, "transport error"},
		"a handler panics": {func(p *peer, s *socketio.Socket) { p.say(`42["panic"]`) }, "server namespace disconnect"},
	} {
		t.Run(name, func(t *testing.T) {
			io, url, log := serve(t, nil)
			sockets := make(chan *socketio.Socket, 1)
			reasons := make(chan string, 2)
			io.OnConnection(func(s *socketio.Socket) {
				s.On("panic", func() { panic("at the disco") })
				s.OnDisconnect(func(reason string) { reasons <- reason })
				s.Join("room")
				sockets <- s
			})
			p := raw(t, url)
			p.say("40")
			p.read()
			s := wait(t, "the connection", sockets)
			c.do(p, s)
			go func() { // a client that reads what it is told
				for err := error(nil); err == nil; {
					_, _, err = p.conn.Read(context.Background())
				}
			}()
			require.Equal(t, c.want, wait(t, "the reason", reasons))
			require.False(t, s.Connected())
			require.Empty(t, s.Rooms())
			require.ErrorIs(t, s.Emit("x"), socketio.ErrDisconnected)
			_, err := s.EmitWithAck(context.Background(), "x")
			require.ErrorIs(t, err, socketio.ErrDisconnected)
			s.Join("room")
			require.Empty(t, io.Of("/").Sockets(), "gone, and not back by joining")
			s.Disconnect(true) // nothing more
			require.Empty(t, reasons, "told once")
			if name == "a handler panics" {
				require.Contains(t, log.String(), "at the disco")
				require.Contains(t, log.String(), "server_test.go", "the log says where")
			}
		})
	}
}

// A client is told, by packet, that it was disconnected from a namespace, and
// with close its connection ends as well.
func TestDisconnectTellsTheClient(t *testing.T) {
	io, url, _ := serve(t, nil)
	io.Of("/other").OnConnection(func(*socketio.Socket) {})
	io.OnConnection(func(s *socketio.Socket) {
		s.On("bye", func(all bool) { s.Disconnect(all) })
	})
	p := raw(t, url)
	p.say("40")
	p.read()
	p.say(`42["bye",false]`)
	require.Equal(t, "41", p.read())
	p.say(`42["was on its way"]`, "41") // crosses the DISCONNECT: no reason to end the connection
	p.say("40")                         // and back
	require.Contains(t, p.read(), "40{")
	p.say("40/other,")
	require.Contains(t, p.read(), "40/other,")
	p.say(`42["bye",true]`)
	require.ElementsMatch(t, []string{"41", "41/other,"}, []string{p.read(), p.read()})
	require.Equal(t, ws.StatusNormalClosure, p.end())

	c := dial(t, url, nil)
	reasons := make(chan string, 1)
	c.OnDisconnect(func(r string) { reasons <- r })
	require.NoError(t, c.Emit("bye", false))
	require.Equal(t, client.ReasonServerDisconnect, wait(t, "the reason", reasons))
}

// The server ends: handlers hear "server shutting down", clients see their
// transport close (1001), whoever waits for an answer is let go.
func TestCloseEndsEverything(t *testing.T) {
	io, url, _ := serve(t, nil)
	reasons := make(chan string, 1)
	errs := make(chan error, 1)
	io.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnect(func(reason string) { reasons <- reason })
		s.On("x", func() {
			s.Emit("last")
			_, err := s.EmitWithAck(context.Background(), "never answered")
			errs <- err
		})
	})
	p := raw(t, url)
	p.say("40")
	p.read()
	p.say(`42["x"]`)
	require.Equal(t, `42["last"]`, p.read())
	require.Equal(t, `420["never answered"]`, p.read())
	code := make(chan ws.StatusCode, 1)
	go func() { code <- p.end() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, io.Close(ctx))
	// Close returns after the handlers.
	require.Equal(t, "server shutting down", <-reasons)
	require.ErrorIs(t, <-errs, socketio.ErrDisconnected)
	require.Equal(t, ws.StatusGoingAway, wait(t, "the close frame", code))
	_, err := client.Dial(ctx, url, nil)
	require.Error(t, err)
}

// CVE-2024-38355: an event called "error" with nobody to hear it ended the
// official server's process.
func TestEventsNobodyHears(t *testing.T) {
	io, url, log := serve(t, nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("number", func(n int, ack func()) { ack() })
		s.On("17", func(ack func(string)) { ack("seventeen") })
	})
	p := raw(t, url)
	p.say("40")
	p.read()
	p.say(`42["error","x"]`, `42["constructor"]`, `421["error"]`, `43["ack without id"]`, `4399["ack nobody waits for"]`)
	p.say(`422["number","no number"]`, `423["number",1]`)
	require.Equal(t, `433[]`, p.read(), "the one before was dropped, and the server is well")
	require.Contains(t, log.String(), "argument 1 as int")
	p.say(`424[17]`)
	require.Equal(t, `434["seventeen"]`, p.read(), "a number is a name")
}

func TestAnswersAreGivenOnce(t *testing.T) {
	io, url, log := serve(t, nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("twice", func(ack func(any)) { ack(1); ack(2) })
		s.On("bad", func(ack func(any)) { ack(make(chan int)) })
	})
	p := raw(t, url)
	p.say("40")
	p.read()
	p.say(`425["twice"]`, `426["bad"]`, `427["twice"]`, `42["twice"]`, `428["twice"]`)
	require.Equal(t, []string{`435[1]`, `437[1]`, `438[1]`}, []string{p.read(), p.read(), p.read()})
	require.Contains(t, log.String(), "chan int")
}

func TestMistakesOfTheProgramAreNamed(t *testing.T) {
	io, url, _ := serve(t, nil)
	sockets := make(chan *socketio.Socket, 1)
	io.OnConnection(func(s *socketio.Socket) { sockets <- s })
	dial(t, url, nil)
	s := wait(t, "the connection", sockets)
	require.PanicsWithValue(t, `socketio: On: event "x": the handler func(func()) error has an ack and returns something: answer one way`,
		func() { s.On("x", func(func()) error { return nil }) })
	require.Panics(t, func() { s.On("disconnect", func() {}) })
	var bad *socketio.EmitError
	require.ErrorAs(t, s.Emit("x", make(chan int)), &bad)
	require.ErrorAs(t, s.Emit("disconnect"), &bad)
	require.ErrorAs(t, io.Emit("x", 1, func() {}), &bad)
	require.Equal(t, `socket.io: emit "x": argument 2: json: unsupported type: func()`, bad.Error())
	require.True(t, s.Connected())
}

// Whoever connects and joins nothing is let go.
func TestConnectTimeout(t *testing.T) {
	_, url, _ := serve(t, &socketio.Options{ConnectTimeout: 20 * time.Millisecond})
	joined := dial(t, url, nil)
	p := raw(t, url)
	require.Equal(t, ws.StatusNormalClosure, p.end())
	require.True(t, joined.Connected(), "it came before, so its time is over as well")
}

// A client that reads nothing while all get a lot costs itself, not the others.
func TestSlowClientIsDisconnected(t *testing.T) {
	io, url, _ := serve(t, &socketio.Options{SendBytes: 1 << 20})
	reasons := make(chan string, 1)
	io.OnConnection(func(s *socketio.Socket) {
		if s.Handshake().Query().Get("slow") != "" {
			s.OnDisconnect(func(reason string) { reasons <- reason })
		}
	})
	slow, _, err := ws.Dial(context.Background(), url+"/socket.io/?EIO=4&transport=websocket&slow=1", nil)
	require.NoError(t, err)
	defer slow.CloseNow()
	require.NoError(t, slow.Write(context.Background(), ws.MessageText, []byte("40")))

	got := make(chan int, 1)
	quick := dial(t, url, nil)
	quick.On("n", func(n int, _ string) { got <- n })
	require.Eventually(t, func() bool { return len(io.Of("/").Sockets()) == 2 }, patience, time.Millisecond)
	ballast := strings.Repeat("x", 64<<10)
	var reason string
	for n := 0; reason == ""; n++ {
		require.Less(t, n, 10000, "640 MB are waiting somewhere")
		require.NoError(t, io.Emit("n", n, ballast))
		require.Equal(t, n, wait(t, "the quick client", got))
		select {
		case reason = <-reasons:
		default:
		}
	}
	require.Equal(t, "transport error", reason)
}

func TestPathsAreServed(t *testing.T) {
	_, url, _ := serve(t, nil)
	for path, want := range map[string]int{"/": 404, "/socket.io": 200, "/socket.io/": 200, "/other/": 404} {
		resp, err := http.Get(url + path + "?EIO=4&transport=polling")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, path)
	}
	_, url, _ = serve(t, &socketio.Options{Path: "/deep/down/"})
	dial(t, url, &client.Options{Path: "/deep/down/"})
}

// Long-polling as another program's plain HTTP requests.
func TestPollingClient(t *testing.T) {
	server, url, _ := serve(t, nil)
	server.OnConnection(func(s *socketio.Socket) {
		s.On("hello", func(name string, bin []byte, ack func(string, []byte)) { ack("hello, "+name, bin) })
	})
	url += "/socket.io/?EIO=4&transport=polling"
	get := func() string {
		resp, err := http.Get(url)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(b)
	}
	post := func(body string) {
		resp, err := http.Post(url, "text/plain", strings.NewReader(body))
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
	}
	var open struct{ SID string }
	require.NoError(t, json.Unmarshal([]byte(get()[1:]), &open))
	url += "&sid=" + open.SID
	post("40")
	require.Contains(t, get(), `40{"sid":`)
	post(`451-7["hello","Ada",{"_placeholder":true,"num":0}]` + "\x1ebAAE=")
	require.Equal(t, `461-7["hello, Ada",{"_placeholder":true,"num":0}]`+"\x1ebAAE=", get())
	post("1")
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

func (r *recording) messages() (lines []string, flows map[trace.Flow]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	flows = map[trace.Flow]bool{}
	for _, e := range r.events {
		if m, ok := e.What.(trace.Message); ok {
			if m.Type == "CONNECT" {
				m.Preview = ""
			}
			lines = append(lines, fmt.Sprint(e.Host, " ", e.Dir, " ", m))
			flows[e.Flow] = true
		}
	}
	return lines, flows
}

func TestTheTraceTellsWhatWasSaid(t *testing.T) {
	rec := &recording{}
	io, url, _ := serve(t, &socketio.Options{Recorder: rec, Host: "server"})
	gone := make(chan string, 1)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("hello", func(name string, ack func(string)) { ack("hello, " + name) })
		s.OnDisconnect(func(reason string) { gone <- reason })
	})
	crec := &recording{}
	c := dial(t, url, &client.Options{Recorder: crec, Host: "client"})
	var s string
	ask(t, c, "hello", []any{"Ada"}, &s)
	require.NoError(t, c.Close())
	wait(t, "the end", gone)
	server, flows := rec.messages()
	require.Equal(t, []string{
		"server in socket.io CONNECT /", "server out socket.io CONNECT /",
		`server in socket.io EVENT / "hello" id=0 ["hello","Ada"]`, `server out socket.io ACK / id=0 ["hello, Ada"]`,
		"server in socket.io DISCONNECT /",
	}, server)
	their, theirFlows := crec.messages()
	require.Equal(t, []string{
		"client out socket.io CONNECT /", "client in socket.io CONNECT /",
		`client out socket.io EVENT / "hello" id=0 ["hello","Ada"]`, `client in socket.io ACK / id=0 ["hello, Ada"]`,
		"client out socket.io DISCONNECT /",
	}, their)
	require.Len(t, flows, 1)
	for flow := range flows {
		require.True(t, flow.Local.IsValid())
		require.True(t, theirFlows[flow.Reverse()], "both see the same connection")
	}
}
