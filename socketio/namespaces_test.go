package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/engineio"
)

// A handler that takes its time holds up the events of its own namespace only, also
// where those of another came in the same segment.
func TestNamespacesHoldEachOtherUpNever(t *testing.T) {
	io, url, _ := serve(t, nil)
	free, handled := make(chan bool), make(chan int, 1)
	io.OnConnection(func(s *socketio.Socket) { s.On("slow", func() { <-free }) })
	io.Of("/other").OnConnection(func(s *socketio.Socket) { s.On("n", func(n int) { handled <- n }) })
	p := raw(t, url)
	p.say("40")
	require.Equal(t, "40", p.read()[:2])
	p.say("40/other")
	require.Equal(t, "40", p.read()[:2])
	require.NoError(t, p.conn.Batch(func() error {
		p.say(`42["slow"]`, `42/other,["n",1]`)
		return nil
	}))
	require.Equal(t, 1, wait(t, "the other namespace's event", handled))
	close(free)
}

// watched is an adapter that says when sockets are added.
type watched struct {
	*socketio.MemoryAdapter
	before, after func(*socketio.Socket)
}

func (w watched) Add(s *socketio.Socket) {
	w.before(s)
	w.MemoryAdapter.Add(s)
	w.after(s)
}

// A client that hears that it has joined is where everybody finds it, and what
// is sent to it before it hears of that comes afterwards.
func TestWhoHearsThatItJoinedIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		opts  socketio.Options
		found func(io *socketio.Server, s *socketio.Socket)
		want  string
	}{
		"nothing":   {found: func(*socketio.Server, *socketio.Socket) {}, want: `42["ready"]`},
		"broadcast": {found: func(io *socketio.Server, _ *socketio.Socket) { _ = io.Emit("found") }, want: `42["found"]`},
		"volatile":  {found: func(io *socketio.Server, _ *socketio.Socket) { _ = io.Volatile().Emit("found") }, want: `42["ready"]`},
		"event":     {found: func(_ *socketio.Server, s *socketio.Socket) { _ = s.Emit("found") }, want: `42["found"]`},
		"volatile event": {
			found: func(_ *socketio.Server, s *socketio.Socket) { _ = s.Volatile().Emit("found") }, want: `42["ready"]`,
		},
		"event that waits": {
			found: func(_ *socketio.Server, s *socketio.Socket) { _ = s.EmitWait(context.Background(), "found") }, want: `42["found"]`,
		},
		"disconnect": {found: func(_ *socketio.Server, s *socketio.Socket) { s.Disconnect(false) }, want: "41"},
	} {
		t.Run(name, func(t *testing.T) {
			var io *socketio.Server
			opts := socketio.Options{Adapter: func(n *socketio.Namespace) socketio.Adapter {
				return watched{
					MemoryAdapter: socketio.NewMemoryAdapter(n),
					before: func(s *socketio.Socket) {
						_ = s.Session().Send(engineio.TextMessage([]byte("before"))) // past socket.io
						assert.ErrorIs(t, s.Emit("too early"), socketio.ErrDisconnected)
					},
					after: func(s *socketio.Socket) {
						assert.Equal(t, []*socketio.Socket{s}, io.Of("/").Sockets())
						c.found(io, s)
					},
				}
			}}
			var url string
			io, url, _ = serve(t, &opts)
			io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("ready") })
			p := raw(t, url)
			p.say("40")
			require.Equal(t, "4before", p.read())
			require.Regexp(t, `^40\{"sid":`, p.read())
			got := p.read()
			if strings.Contains(name, "volatile") && got == `42["found"]` {
				got = p.read() // it may be dropped: the client had not yet taken what was before
			}
			require.Equal(t, c.want, got)
		})
	}
}

// A socket that is disconnected before broadcasts find it has joined, and left.
func TestDisconnectBeforeItIsFound(t *testing.T) {
	var io *socketio.Server
	opts := socketio.Options{Adapter: func(n *socketio.Namespace) socketio.Adapter {
		return watched{
			MemoryAdapter: socketio.NewMemoryAdapter(n),
			before:        func(s *socketio.Socket) { s.Disconnect(false) },
			after:         func(*socketio.Socket) { assert.Empty(t, io.Of("/").Sockets()) },
		}
	}}
	var url string
	io, url, _ = serve(t, &opts)
	p := raw(t, url)
	p.say("40")
	require.Equal(t, "40", p.read()[:2])
	require.Equal(t, "41", p.read())
	require.Eventually(t, func() bool { return io.Counters().Sockets == 0 }, patience, time.Millisecond)
}

// lateJoin is an adapter that takes its time to put a socket into rooms.
type lateJoin struct {
	*socketio.MemoryAdapter
	before func()
}

func (a lateJoin) Join(s *socketio.Socket, rooms ...string) {
	a.before()
	a.MemoryAdapter.Join(s, rooms...)
}

// A client that hears that it has joined is also in the rooms of the middlewares.
func TestWhoHearsThatItJoinedIsInItsRooms(t *testing.T) {
	var io *socketio.Server
	heard, said := make(chan bool), make(chan bool)
	opts := socketio.Options{Adapter: func(n *socketio.Namespace) socketio.Adapter {
		return lateJoin{socketio.NewMemoryAdapter(n), func() {
			_ = io.Emit("to all")
			<-heard // the client tells somebody, who says something to the room
			_ = io.To("room").Emit("to the room")
			close(said)
		}}
	}}
	var url string
	io, url, _ = serve(t, &opts)
	io.Use(func(s *socketio.Socket) error { s.Join("room"); return nil })
	p := raw(t, url)
	p.say("40")
	require.Equal(t, "40", p.read()[:2])
	close(heard)
	<-said
	require.Equal(t, `42["to all"]`, p.read())
	require.Equal(t, `42["to the room"]`, p.read())
}

// What a middleware disconnects has not joined: it is refused by an error, or joins,
// and with its connection all ends.
func TestMiddlewareThatDisconnects(t *testing.T) {
	for _, connection := range []bool{false, true} {
		for _, err := range []error{nil, errors.New("banned")} {
			t.Run(fmt.Sprint(connection, err), func(t *testing.T) {
				io, url, _ := serve(t, nil)
				io.Use(func(s *socketio.Socket) error { s.Disconnect(connection); return err })
				p := raw(t, url)
				p.say("40")
				switch {
				case connection:
					p.end()
				case err != nil:
					require.Equal(t, `44{"message":"banned"}`, p.read())
				default:
					require.Equal(t, "40", p.read()[:2])
					p.conn.CloseNow()
				}
				require.Eventually(t, func() bool { return len(io.Of("/").Sockets()) == 0 && io.Counters().Sockets == 0 }, patience, time.Millisecond)
			})
		}
	}
}
