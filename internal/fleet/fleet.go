package fleet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"strata/ws"
)

// Config says what the clients do.
type Config struct {
	URL     string        // of a server that echoes, "ws://…"
	Clients int           // at least 1
	Every   time.Duration // between two messages of a client; the clients' moments are spread over it
	Rounds  int           // messages that each client sends; 0 only connects and closes

	// Opened is called when all clients are connected, before the first
	// message; nil is not.
	Opened func()

	// DialContext opens the connections below; nil is a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Result is what became of the messages. All of them came back, once and in
// order, where Run gives no error.
type Result struct {
	Echoes  int           `json:"echoes"`
	Opening time.Duration `json:"opening"` // until all were connected

	// Of the round trips, nanoseconds in JSON.
	Median time.Duration `json:"median"`
	P99    time.Duration `json:"p99"`
	Latest time.Duration `json:"latest"`
}

// dialing is how many handshakes are under way at once.
const dialing = 64

// lost is how long the last echoes may take before they are said to be lost: TCP
// tries for longer, but a server that is so late is of no use. How late they are
// is in the Result.
const lost = time.Minute

// size is that of a message: who sends it, the how manieth it is, and when.
const size = 24

// ship is one client.
type ship struct {
	number uint64
	conn   *ws.Conn
	next   uint64 // the message that is to come back next
	trips  []time.Duration
}

// fleet is all of them.
type fleet struct {
	Config
	start  time.Time
	ships  []*ship
	echoed atomic.Int64
	ctx    context.Context
	sink   context.CancelCauseFunc
	done   chan struct{} // closed when every message has come back
}

// Run connects the clients, has each send its messages, and closes them. An error
// says which client had what happen to it.
func Run(ctx context.Context, c Config) (Result, error) {
	ctx, sink := context.WithCancelCause(ctx)
	defer sink(nil)
	f := &fleet{Config: c, start: time.Now(), ships: make([]*ship, c.Clients), ctx: ctx, sink: sink, done: make(chan struct{})}
	defer f.scrap()
	f.launch()
	r := Result{Opening: time.Since(f.start)}
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	if c.Opened != nil {
		c.Opened()
	}
	f.sail()
	if c.Rounds > 0 {
		select {
		case <-f.done:
		case <-ctx.Done():
		case <-time.After(lost):
			sink(fmt.Errorf("%d of %d messages did not come back within %v", c.Clients*c.Rounds-int(f.echoed.Load()), c.Clients*c.Rounds, lost))
		}
	}
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	f.sum(&r)
	return r, nil
}

// launch connects all.
func (f *fleet) launch() {
	var todo atomic.Int64
	var dialers sync.WaitGroup
	for range min(dialing, f.Clients) {
		dialers.Go(func() {
			for n := todo.Add(1) - 1; n < int64(f.Clients) && f.ctx.Err() == nil; n = todo.Add(1) - 1 {
				conn, _, err := ws.Dial(f.ctx, f.URL, &ws.DialOptions{DialContext: f.DialContext})
				if err != nil {
					f.sink(fmt.Errorf("client %d: %w", n, err))
					return
				}
				s := &ship{number: uint64(n), conn: conn, trips: make([]time.Duration, 0, f.Rounds)}
				f.ships[n] = s
				conn.Handle(&ws.Handler{
					OnMessage: func(_ *ws.Conn, _ ws.MessageType, p []byte) { f.home(s, p) },
					OnClose: func(_ *ws.Conn, err error) {
						f.sink(fmt.Errorf("client %d, after %d echoes: %w", s.number, s.next, err))
					},
				})
			}
		})
	}
	dialers.Wait()
}

// sail sends every client's messages, each when it is its turn.
func (f *fleet) sail() {
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	b := make([]byte, size)
	for round := range f.Rounds {
		for i, s := range f.ships {
			turn := time.Duration(round)*f.Every + time.Duration(i)*f.Every/time.Duration(f.Clients)
			if wait := turn - time.Since(begun); wait > 0 {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-f.ctx.Done():
					return
				}
			}
			binary.BigEndian.PutUint64(b, s.number)
			binary.BigEndian.PutUint64(b[8:], uint64(round))
			binary.BigEndian.PutUint64(b[16:], uint64(time.Since(f.start)))
			if err := s.conn.Write(f.ctx, ws.MessageBinary, b); err != nil {
				f.sink(fmt.Errorf("client %d, message %d: %w", s.number, round, err))
				return
			}
		}
	}
}

// home is told of an echo.
func (f *fleet) home(s *ship, p []byte) {
	if len(p) != size || binary.BigEndian.Uint64(p) != s.number || binary.BigEndian.Uint64(p[8:]) != s.next {
		f.sink(fmt.Errorf("client %d: message %d is what should have come back, and this did: % x", s.number, s.next, p[:min(len(p), size)]))
		return
	}
	s.next++
	s.trips = append(s.trips, time.Since(f.start)-time.Duration(binary.BigEndian.Uint64(p[16:])))
	if int(f.echoed.Add(1)) == f.Clients*f.Rounds {
		close(f.done)
	}
}

var errScrapped = errors.New("the clients were closed")

// scrap ends all connections.
func (f *fleet) scrap() {
	f.sink(errScrapped)
	for _, s := range f.ships {
		if s != nil {
			s.conn.CloseNow()
			<-s.conn.Done()
		}
	}
}

// sum reads what the ships have written down: all of it, since done was closed.
func (f *fleet) sum(r *Result) {
	r.Echoes = int(f.echoed.Load())
	var trips []time.Duration
	for _, s := range f.ships {
		trips = append(trips, s.trips...)
	}
	if len(trips) == 0 {
		return
	}
	slices.Sort(trips)
	r.Median, r.P99, r.Latest = trips[len(trips)/2], trips[len(trips)*99/100], trips[len(trips)-1]
}
