package socketio_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
)

// lossy is a world of a server and a client, over our own TCP, between whom a
// tenth of the packets is lost, and who are parted thirty times: for 3 to 17
// seconds, so that some connections survive it and some do not.
type lossy struct {
	*lab.World
	t      *testing.T
	io     *socketio.Server
	client *client.Socket
	parted int
}

const partitions = 30

func inLossyWorld(t *testing.T, so *socketio.Options, co *client.Options, setUp func(*lossy), run func(*lossy)) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 40ms loss 10%"))
		so.PingInterval, so.PingTimeout = 2*time.Second, 2*time.Second
		io := socketio.NewServer(so)
		hs := &http.Server{Handler: io}
		ln := server.Listen(":80")
		w.Go(func() { _ = hs.Serve(ln) })
		co.DialContext = phone.DialContext
		co.ReconnectionDelayMax = 2 * time.Second
		co.Timeout = 5 * time.Second
		c, err := client.New("http://server/", co)
		require.NoError(t, err)
		l := &lossy{World: w, t: t, io: io, client: c}
		setUp(l)
		require.NoError(t, c.Open())
		w.Go(func() {
			for n := range partitions {
				w.Sleep(4 * time.Second)
				p := w.Partition(phone)
				w.Sleep(time.Duration(3+n%15) * time.Second)
				p.Heal()
				l.parted++
			}
		})
		run(l)
		require.NoError(t, c.Close())
		require.NoError(t, io.Close(w.Context()))
		require.NoError(t, hs.Close())
	})
}

// tally is what arrived of messages that are numbered from 0.
type tally struct {
	mu   sync.Mutex
	got  []int
	seen map[int]int
}

func (a *tally) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = map[int]int{}
	}
	a.got = append(a.got, n)
	a.seen[n]++
}

// counts is how many of so many messages are missing, how many came again, and
// whether the others are in order.
func (a *tally) counts(messages int) (lost, again int, ordered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ordered = true
	last := -1
	for _, n := range a.got {
		if n < last {
			ordered = false
		}
		last = max(last, n)
	}
	for n := range messages {
		switch a.seen[n] {
		case 0:
			lost++
		default:
			again += a.seen[n] - 1
		}
	}
	return lost, again, ordered
}

const messages = 1000

// everySoOften does something for each message, over all the partitions.
func (l *lossy) everySoOften(f func(n int)) {
	for n := range messages {
		l.Sleep(400 * time.Millisecond)
		f(n)
	}
	l.Sleep(60 * time.Second) // for what is under way
	require.Equal(l.t, partitions, l.parted)
}

// With recovery, what the server sends is neither lost nor doubled nor out of
// order, whatever happens to the connections.
func TestServerToClientWithRecoveryOverALossyWorld(t *testing.T) {
	var got tally
	var first *socketio.Socket
	connections, recovered := 0, 0
	var joined chan bool // made in the bubble: what is made outside does not let its time go on
	inLossyWorld(t, &socketio.Options{Recovery: &socketio.Recovery{}}, &client.Options{}, func(l *lossy) {
		joined = make(chan bool, 1)
		l.io.OnConnection(func(s *socketio.Socket) {
			if first == nil {
				first = s
				joined <- true
			}
		})
		l.client.On("n", func(n int) { got.add(n) })
		l.client.OnConnect(func() {
			connections++
			if l.client.Recovered() {
				recovered++
			}
		})
	}, func(l *lossy) {
		<-joined
		l.everySoOften(func(n int) {
			if n%2 == 0 {
				require.NoError(t, first.Emit("n", n)) // to the socket, which may be away
			} else {
				require.NoError(t, l.io.Emit("n", n)) // to all
			}
		})
		lost, again, ordered := got.counts(messages)
		t.Logf("%d connections, %d recovered: %d lost, %d twice, in order %v", connections, recovered, lost, again, ordered)
		require.Zero(t, lost)
		require.Zero(t, again)
		require.True(t, ordered)
		require.Greater(t, connections, partitions/2, "it was a hard time")
		require.Equal(t, connections-1, recovered)
	})
}

// The other way retries lose nothing; without message ids some come twice, and
// with them none. Without retries some are lost, and that is said.
func TestClientToServerOverALossyWorld(t *testing.T) {
	for name, c := range map[string]struct {
		so           socketio.Options
		co           client.Options
		loses, twice bool
	}{
		"retries":                 {co: client.Options{Retries: 100, AckTimeout: 3 * time.Second}, twice: true},
		"retries and message ids": {so: socketio.Options{MessageIDs: true}, co: client.Options{Retries: 100, AckTimeout: 3 * time.Second, MessageIDs: true}},
		"neither":                 {loses: true},
	} {
		t.Run(name, func(t *testing.T) {
			var got tally
			inLossyWorld(t, &c.so, &c.co, func(l *lossy) {
				l.io.OnConnection(func(s *socketio.Socket) {
					s.On("n", func(n int) error { got.add(n); return nil })
					s.On("last", func() error { return nil })
				})
			}, func(l *lossy) {
				l.everySoOften(func(n int) { require.NoError(t, l.client.Emit("n", n)) })
				if c.co.Retries > 0 {
					// One at a time over such a wire takes longer than the
					// messages took to come: the last is behind all others.
					_, err := l.client.EmitWithAck(l.Context(), "last")
					require.NoError(t, err)
				}
				lost, again, ordered := got.counts(messages)
				t.Logf("%d lost, %d twice, in order %v, duplicates recognized %d", lost, again, ordered, l.io.Counters().Duplicates)
				if c.loses {
					require.NotZero(t, lost, "the network was too good to show anything")
					return
				}
				require.Zero(t, lost)
				if c.twice {
					require.NotZero(t, again, "nothing was sent twice: nothing is shown")
					return
				}
				require.Zero(t, again)
				require.True(t, ordered)
				require.NotZero(t, l.io.Counters().Duplicates, "nothing was sent twice: nothing is shown")
			})
		})
	}
}

// Without recovery, what the server sends while the client is away is lost, and
// Emit says so where it is known.
func TestServerToClientWithoutRecovery(t *testing.T) {
	var got tally
	refused := 0
	var mu sync.Mutex
	var now *socketio.Socket
	inLossyWorld(t, &socketio.Options{}, &client.Options{}, func(l *lossy) {
		l.io.OnConnection(func(s *socketio.Socket) { mu.Lock(); now = s; mu.Unlock() })
		l.client.On("n", func(n int) { got.add(n) })
	}, func(l *lossy) {
		l.Sleep(3 * time.Second)
		l.everySoOften(func(n int) {
			mu.Lock()
			defer mu.Unlock()
			if err := now.Emit("n", n); errors.Is(err, socketio.ErrDisconnected) {
				refused++
			}
		})
		lost, again, ordered := got.counts(messages)
		t.Logf("%d lost, of which %d with an error; %d twice", lost, refused, again)
		require.NotZero(t, lost)
		require.NotZero(t, refused)
		require.Zero(t, again)
		require.True(t, ordered)
	})
}
