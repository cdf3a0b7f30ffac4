package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
)

// session is what a client keeps to come back.
type session struct {
	SID    string `json:"sid"`
	PID    string `json:"pid"`
	offset string
}

// come connects, and says where the session stopped; it reads until "end", which
// the connection handler sends, and gives the events before it.
func come(t *testing.T, url string, s *session) (p *peer, events []string) {
	t.Helper()
	p = raw(t, url)
	switch {
	case s.PID == "":
		p.say("40")
	case s.offset == "":
		p.say(fmt.Sprintf(`40{"pid":%q}`, s.PID))
	default:
		p.say(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, s.PID, s.offset))
	}
	offset := s.offset
	answer := p.read()
	require.True(t, strings.HasPrefix(answer, "40"), answer)
	*s = session{offset: offset}
	require.NoError(t, json.Unmarshal([]byte(answer[2:]), s))
	return p, p.until("end", s)
}

// until reads events up to one of that name, and keeps the offset as a client
// does.
func (p *peer) until(name string, s *session) (events []string) {
	p.t.Helper()
	for {
		var args []any
		text := p.read()
		require.NoError(p.t, json.Unmarshal([]byte(text[2:]), &args), text)
		s.offset = args[len(args)-1].(string)
		if args[0] == name {
			return events
		}
		events = append(events, fmt.Sprint(args[:len(args)-1]...))
	}
}

func recovering(t *testing.T, r *socketio.Recovery) (server *socketio.Server, url string, sockets, gone chan *socketio.Socket) {
	server, url, _ = serve(t, &socketio.Options{Recovery: r})
	sockets, gone = make(chan *socketio.Socket, 16), make(chan *socketio.Socket, 16)
	server.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnect(func(string) { gone <- s })
		_ = s.Emit("end")
		sockets <- s
	})
	return server, url, sockets, gone
}

// A client that lost its connection comes back to its id, its rooms, its data
// and to everything that was sent to it meanwhile, by whatever way, once and in
// order.
func TestRecovery(t *testing.T) {
	server, url, sockets, gone := recovering(t, &socketio.Recovery{})
	var s session
	p, events := come(t, url, &s)
	require.Empty(t, events)
	first := wait(t, "the socket", sockets)
	first.Join("room")
	first.SetData("mine")
	require.False(t, first.Recovered())
	require.NotEqual(t, first.ID(), s.PID, "the id may be known, the pid is a secret")
	require.NoError(t, first.Emit("n", 1))
	require.NoError(t, server.Emit("mark"))
	require.Equal(t, []string{"n1"}, p.until("mark", &s))
	p.conn.CloseNow()
	wait(t, "the end", gone)

	require.NoError(t, first.Emit("to the socket that was", 2))
	require.NoError(t, server.Emit("to all", 3, []byte{1}))
	require.NoError(t, server.To("room").Emit("to the room", 4))
	require.NoError(t, server.To(first.ID()).Emit("to its id", 5))
	require.NoError(t, server.To("elsewhere").Emit("not for it", 6))
	require.NoError(t, server.Except("room").Emit("not for it", 7))
	require.NoError(t, server.Volatile().Emit("volatile", 8))
	before := s
	p = raw(t, url)
	p.say(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, s.PID, s.offset))
	require.Equal(t, fmt.Sprintf(`40{"sid":%q,"pid":%q}`, s.SID, s.PID), p.read())
	require.Contains(t, p.read(), `42["to the socket that was",2,"`)
	require.Contains(t, p.read(), `451-["to all",3,{"_placeholder":true,"num":0},"`)
	require.Equal(t, "\x01", p.read())
	require.Equal(t, []string{"to the room4", "to its id5"}, p.until("end", &s))
	second := wait(t, "the socket", sockets)
	require.True(t, second.Recovered())
	require.Equal(t, first.ID(), second.ID())
	require.Equal(t, []string{first.ID(), "room"}, second.Rooms())
	require.Equal(t, "mine", second.Data())
	require.Equal(t, before.PID, s.PID)
	require.NoError(t, first.Emit("to it as it is", 9), "the socket that was still names it")
	require.NoError(t, server.Emit("mark"))
	require.Equal(t, []string{"to it as it is9"}, p.until("mark", &s))

	counters := server.Counters()
	require.EqualValues(t, 1, counters.Recovered)
	require.EqualValues(t, 0, counters.NotRecovered)
}

// The official server cannot recover a client that has received nothing yet:
// it has no offset to name (socket.io issues 4733, 5538).
func TestRecoveryOfAClientThatReceivedNothing(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{Recovery: &socketio.Recovery{}})
	gone := make(chan bool, 1)
	server.OnConnection(func(s *socketio.Socket) { s.OnDisconnect(func(string) { gone <- true }) })
	require.NoError(t, server.Emit("before its time"))
	p := raw(t, url)
	p.say("40")
	var s session
	require.NoError(t, json.Unmarshal([]byte(p.read()[2:]), &s))
	p.conn.CloseNow()
	wait(t, "the end", gone)
	require.NoError(t, server.Emit("missed", 1))
	p = raw(t, url)
	p.say(fmt.Sprintf(`40{"pid":%q}`, s.PID))
	require.Contains(t, p.read(), s.SID)
	require.Contains(t, p.read(), `42["missed",1,"`)
}

// A client whose network changed is back before its old connection is found
// dead: the new one takes over, and what the old one swallowed is sent again.
func TestRecoveryBeforeTheEndIsNoticed(t *testing.T) {
	server, url, sockets, gone := recovering(t, &socketio.Recovery{})
	var s session
	old, _ := come(t, url, &s)
	first := wait(t, "the socket", sockets)
	require.NoError(t, server.Emit("swallowed", 1))
	p, events := come(t, url, &s)
	require.Equal(t, []string{"swallowed1"}, events)
	require.True(t, wait(t, "the socket", sockets).Recovered())
	require.Same(t, first, wait(t, "the end", gone))
	require.NoError(t, server.Emit("mark"))
	require.Empty(t, p.until("mark", &s))
	old.end()
}

// Who leaves, or is sent away, starts anew; so does who comes with a session
// that is not known, an offset that is none, or too late for what is kept.
func TestWhoIsNotRecovered(t *testing.T) {
	server, url, sockets, gone := recovering(t, &socketio.Recovery{MaxPackets: 4})
	for name, lose := range map[string]func(p *peer, s *socketio.Socket, c *session){
		"it left":          func(p *peer, s *socketio.Socket, c *session) { p.say("41") },
		"it was sent away": func(p *peer, s *socketio.Socket, c *session) { s.Disconnect(false) },
		"another pid":      func(p *peer, s *socketio.Socket, c *session) { p.conn.CloseNow(); c.PID = "x" },
		"a bad offset":     func(p *peer, s *socketio.Socket, c *session) { p.conn.CloseNow(); c.offset = "x" },
		"a future offset":  func(p *peer, s *socketio.Socket, c *session) { p.conn.CloseNow(); c.offset += "zz" },
		"too much was missed": func(p *peer, s *socketio.Socket, c *session) {
			p.conn.CloseNow()
			for n := range 5 {
				require.NoError(t, server.Emit("n", n))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s session
			p, _ := come(t, url, &s)
			first := wait(t, "the socket", sockets)
			id := s.SID
			lose(p, first, &s)
			for wait(t, "the end", gone) != first { // but of one of the story before
			}
			_, events := come(t, url, &s)
			require.Empty(t, events)
			require.NotEqual(t, id, s.SID)
			require.False(t, wait(t, "the socket", sockets).Recovered())
		})
	}
}

// What is kept is forgotten in time, also where nothing else happens.
func TestSessionsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{MaxDisconnection: time.Minute}})
		require.NoError(t, server.Emit("kept for nobody"))
		a := server.Of("/").Adapter()
		a.Persist(socketio.Session{ID: "id", PID: "pid"})
		time.Sleep(3 * time.Minute)
		require.False(t, a.Restore("pid", "", func(socketio.Session) (*socketio.Socket, bool) {
			t.Error("it is over")
			return nil, false
		}))
		require.NoError(t, server.Close(t.Context()))
	})
}

// With RunMiddlewares a client that comes back is asked again, and one that is
// refused then starts anew, to be refused.
func TestRecoveryMayRunMiddlewares(t *testing.T) {
	banned := false
	server, url, _ := serve(t, &socketio.Options{Recovery: &socketio.Recovery{RunMiddlewares: true}})
	server.Use(func(s *socketio.Socket) error {
		if banned {
			return errors.New("banned")
		}
		return nil
	})
	gone := make(chan bool, 1)
	server.OnConnection(func(s *socketio.Socket) { s.OnDisconnect(func(string) { gone <- true }) })
	p := raw(t, url)
	p.say("40")
	var s session
	require.NoError(t, json.Unmarshal([]byte(p.read()[2:]), &s))
	p.conn.CloseNow()
	wait(t, "the end", gone)
	banned = true
	p = raw(t, url)
	p.say(fmt.Sprintf(`40{"pid":%q}`, s.PID))
	require.Equal(t, `44{"message":"banned"}`, p.read())
}

// To the program a socket that is recovered is the one it was: its OnDisconnect has
// returned before OnConnection is called again, however long it takes, also where
// the client is back before the end of its old connection was noticed.
func TestTheEndComesBeforeTheRecovery(t *testing.T) {
	for _, noticed := range []bool{true, false} {
		server, url, _ := serve(t, &socketio.Options{Recovery: &socketio.Recovery{}})
		told := make(chan string, 8)
		release, ending := make(chan bool), make(chan bool, 1)
		server.OnConnection(func(s *socketio.Socket) {
			told <- fmt.Sprint("connection ", s.Recovered())
			_ = s.Emit("end")
			s.OnDisconnect(func(string) {
				ending <- true
				<-release
				told <- "disconnect"
			})
		})
		var s session
		p, _ := come(t, url, &s)
		if noticed {
			p.conn.CloseNow()
			wait(t, "the end", ending)
		}
		back := raw(t, url)
		back.say(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, s.PID, s.offset))
		require.Contains(t, back.read(), s.SID)
		if !noticed {
			wait(t, "the end", ending)
		}
		require.Equal(t, "connection false", wait(t, "the first", told))
		require.Empty(t, told)
		close(release)
		require.Equal(t, "disconnect", wait(t, "the second", told))
		require.Equal(t, "connection true", wait(t, "the third", told))
		back.until("end", &s)
	}
}

// A client that is back while the end of its old connection is being dealt with
// is recovered: what is kept of it is waited for.
func TestRecoveryDuringTheEnd(t *testing.T) {
	server, url, _ := serve(t, &socketio.Options{Recovery: &socketio.Recovery{}})
	release, ending := make(chan bool), make(chan bool, 2)
	server.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnecting(func(string) {
			ending <- true
			<-release
		})
		_ = s.Emit("end")
	})
	var s session
	p, _ := come(t, url, &s)
	p.conn.CloseNow()
	wait(t, "the end", ending)
	packets := server.Counters().PacketsIn
	back := raw(t, url)
	back.say(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, s.PID, s.offset))
	require.Eventually(t, func() bool { return server.Counters().PacketsIn > packets }, patience, time.Millisecond)
	close(release)
	require.Contains(t, back.read(), s.SID)
	require.EqualValues(t, 1, server.Counters().Recovered)
}

// interrupted is an adapter whose Restore is interrupted when it has the socket.
type interrupted struct {
	*socketio.MemoryAdapter
	during func(*socketio.Socket)
	want   bool // what it says of a Restore that went well
}

func (a *interrupted) Restore(pid, offset string, welcome func(socketio.Session) (*socketio.Socket, bool)) bool {
	return a.MemoryAdapter.Restore(pid, offset, func(session socketio.Session) (*socketio.Socket, bool) {
		s, ok := welcome(session)
		if ok {
			a.during(s)
		}
		return s, ok
	}) && a.want
}

// A connection that ends while its session is restored leaves the session as it
// was, with its rooms.
func TestEndsWhileItIsRestored(t *testing.T) {
	for i := range 100 {
		var adapter *interrupted
		opts := socketio.Options{Recovery: &socketio.Recovery{}, Adapter: func(n *socketio.Namespace) socketio.Adapter {
			adapter = &interrupted{MemoryAdapter: socketio.NewMemoryAdapter(n), want: true}
			return adapter
		}}
		server, url, _ := serve(t, &opts)
		gone, back := make(chan bool, 3), make(chan *socketio.Socket, 3)
		server.OnConnection(func(s *socketio.Socket) {
			if !s.Recovered() {
				s.Join("room")
			}
			s.OnDisconnect(func(string) { gone <- true })
			_ = s.Emit("end")
			back <- s
		})
		var s session
		p, _ := come(t, url, &s)
		wait(t, "the socket", back)
		p.conn.CloseNow()
		wait(t, "its end", gone)
		require.NoError(t, server.To("room").Emit("missed"))

		adapter.during = func(s *socketio.Socket) {
			ends := make(chan bool)
			s.OnDisconnecting(func(string) { close(ends) })
			s.Session().Close() // as a heartbeat would, or a write that fails
			<-ends
			for range i { // what follows is in any order
				runtime.Gosched()
			}
		}
		back1 := raw(t, url)
		back1.say(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, s.PID, s.offset))
		wait(t, "the socket", back)
		wait(t, "its end", gone)

		adapter.during = func(*socketio.Socket) {}
		_, events := come(t, url, &s)
		again := wait(t, "the socket", back)
		require.True(t, again.Recovered(), i)
		require.Equal(t, []string{again.ID(), "room"}, again.Rooms(), i)
		require.Contains(t, events, "missed", i)
	}
}

// What an adapter says of a Restore that gave a socket does not matter: there is
// one socket, and it goes on.
func TestRestoreThatSaysNoAndDid(t *testing.T) {
	opts := socketio.Options{Recovery: &socketio.Recovery{}, Adapter: func(n *socketio.Namespace) socketio.Adapter {
		return &interrupted{MemoryAdapter: socketio.NewMemoryAdapter(n), during: func(*socketio.Socket) {}}
	}}
	server, url, _ := serve(t, &opts)
	gone := make(chan bool, 2)
	server.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnect(func(string) { gone <- true })
		_ = s.Emit("end")
	})
	var s session
	p, _ := come(t, url, &s)
	p.conn.CloseNow()
	wait(t, "its end", gone)
	come(t, url, &s)
	require.Len(t, server.Of("/").Sockets(), 1)
	require.True(t, server.Of("/").Sockets()[0].Recovered())
	require.EqualValues(t, 1, server.Counters().Sockets)
}
