package ws

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	soakTime  = flag.Duration("soak", 0, "how long TestSoak lasts, with 10,000 connections; 0: short, with 300")
	soakConns = flag.Int("soak.connections", 10_000, "how many connections a long TestSoak has")
)

// live is how many of what a connection holds there are: connections, buffers of
// either size, inflaters. What nobody holds is collected, and counted no more.
var live struct{ conns, small, large, inflaters atomic.Int64 }

func counted[T any](n *atomic.Int64, v *T) *T {
	n.Add(1)
	runtime.AddCleanup(v, func(n *atomic.Int64) { n.Add(-1) }, n)
	return v
}

// Before the first test, so that no goroutine can be in the pools.
func init() {
	smallBuffers.New = func() any { return counted(&live.small, new([smallBuffer]byte)) }
	largeBuffers.New = func() any { return counted(&live.large, new([largeBuffer]byte)) }
	inflaters.New = func() any { return counted(&live.inflaters, newInflater()) }
}

// Connections open, echo and close in random order, in every way there is to do
// so, until the time is over. Afterwards no goroutine, no descriptor, no connection
// and no buffer is left.
func TestSoak(t *testing.T) {
	d, conns, workers := *soakTime, *soakConns, 64
	if d == 0 {
		d, conns = 3*time.Second, 300
	}
	conns = descriptors(t, conns)
	s := &soak{until: time.Now().Add(d)}
	s.serve(t)

	// One first, so that what is made once is there before the counting begins.
	first := &soakConn{s: s}
	require.NoError(t, first.dial())
	require.NoError(t, first.end())
	before := descriptorsOpen(t)
	goroutines := runtime.NumGoroutine()

	all := make([]soakConn, conns)
	for i := range all {
		all[i] = soakConn{s: s, byLoop: i%10 == 0, compressed: i%4 == 0}
	}
	errs := make(chan error, workers)
	for range workers {
		go func() { errs <- s.work(all) }()
	}
	report := time.NewTicker(30 * time.Second)
	defer report.Stop()
	for done := 0; done < workers; {
		select {
		case err := <-errs:
			require.NoError(t, err)
			done++
		case <-report.C:
			t.Log(s)
		}
	}
	for _, i := range rand.Perm(conns) {
		require.NoError(t, all[i].end())
	}
	t.Log(s)
	require.Zero(t, s.open.Load())
	require.Positive(t, s.opened.Load())
	clear(all)
	s.stop()

	for name, n := range map[string]*atomic.Int64{"connections": &live.conns, "small buffers": &live.small, "large buffers": &live.large, "inflaters": &live.inflaters} {
		eventually(t, func() (int, bool) {
			runtime.GC() // twice empties the pools, too
			return int(n.Load()), n.Load() == 0
		}, name)
	}
	eventually(t, func() (int, bool) { n := descriptorsOpen(t); return n, n <= before }, "descriptors")
	eventually(t, func() (int, bool) { n := runtime.NumGoroutine(); return n, n <= goroutines }, "goroutines")
}

// eventually waits until as many are left as should be.
func eventually(t *testing.T, left func() (n int, ok bool), what string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		n, ok := left()
		if ok {
			t.Logf("%s left: %d", what, n)
			return
		}
		if time.Now().After(deadline) {
			require.FailNow(t, "left behind", "%d %s", n, what)
		}
	}
}

// descriptorsOpen is how many descriptors the process has; 0 where it cannot be
// known.
func descriptorsOpen(t *testing.T) int {
	fds, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	require.NoError(t, err)
	return len(fds)
}

// soak is the servers and the counts of a soak.
type soak struct {
	until        time.Time
	loop, events string // the addresses of the servers
	stop         func()

	opened, echoed, pinged, open, peak atomic.Int64
	closed                             [closings]atomic.Int64
}

// The ways in which a connection ends.
const (
	clientCloses = iota
	clientVanishes
	clientBreaksFrame
	serverCloses
	serverVanishes
	closings
)

// String says how far it is.
func (s *soak) String() string {
	total := int64(0)
	for i := range s.closed {
		total += s.closed[i].Load()
	}
	return fmt.Sprintf("%d opened, %d open (at most %d), %d echoes, %d pings, %d closed: %d by the client, %d without a close frame, %d inside a frame, %d by the server, %d by it without a close frame",
		s.opened.Load(), s.open.Load(), s.peak.Load(), s.echoed.Load(), s.pinged.Load(), total,
		s.closed[clientCloses].Load(), s.closed[clientVanishes].Load(), s.closed[clientBreaksFrame].Load(), s.closed[serverCloses].Load(), s.closed[serverVanishes].Load())
}

const (
	askClose  = "close, please"
	askVanish = "vanish, please"
)

// obey does what the client asks for, or echoes.
func (s *soak) obey(c *Conn, typ MessageType, p []byte) error {
	switch string(p) {
	case askClose:
		return c.Close(4000, "as you asked")
	case askVanish:
		return c.CloseNow()
	}
	return c.Write(context.Background(), typ, p)
}

// serve starts a server with a goroutine a connection, and one with events.
func (s *soak) serve(t *testing.T) {
	opts := AcceptOptions{Compression: &Compression{}}
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, &opts)
		if err != nil {
			return
		}
		counted(&live.conns, c)
		for err == nil {
			var typ MessageType
			var p []byte
			if typ, p, err = c.Read(context.Background()); err == nil {
				err = s.obey(c, typ, p)
			}
		}
		c.CloseNow()
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h := &Handler{OnMessage: func(c *Conn, typ MessageType, p []byte) { s.obey(c, typ, p) }}
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				if c, err := Upgrade(nc, &UpgradeOptions{AcceptOptions: opts}); err == nil {
					counted(&live.conns, c)
					c.Handle(h)
				}
			}()
		}
	}()
	s.loop, s.events = hs.URL, "ws://"+ln.Addr().String()
	s.stop = sync.OnceFunc(func() { hs.Close(); ln.Close() })
	t.Cleanup(s.stop)
}

// work takes steps with connections at random, until the time is over.
func (s *soak) work(all []soakConn) error {
	for time.Now().Before(s.until) {
		c := &all[rand.IntN(len(all))]
		if !c.mu.TryLock() {
			continue
		}
		err := c.step(rand.IntN(10) == 0)
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// soakConn is a connection that is opened again and again, from the client's side.
type soakConn struct {
	s          *soak
	byLoop     bool // both sides read in a loop; otherwise they are called by events
	compressed bool

	mu      sync.Mutex
	c       *Conn       // nil: it is closed
	answers chan []byte // by events
	ended   chan struct{}
}

// step opens the connection, or has it echo, ping or end.
func (c *soakConn) step(ends bool) error {
	switch {
	case c.c == nil:
		return c.dial()
	case ends:
		return c.end()
	case !c.byLoop && rand.IntN(10) == 0:
		ctx, cancel := soakContext()
		defer cancel()
		c.s.pinged.Add(1)
		return c.c.Ping(ctx)
	}
	return c.echo()
}

func soakContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 2*time.Minute)
}

func (c *soakConn) dial() (err error) {
	ctx, cancel := soakContext()
	defer cancel()
	opts := &DialOptions{}
	if c.compressed {
		opts.Compression = &Compression{}
	}
	url := c.s.events
	if c.byLoop {
		url = c.s.loop
	}
	if c.c, _, err = Dial(ctx, url, opts); err != nil {
		return err
	}
	counted(&live.conns, c.c)
	c.s.opened.Add(1)
	n := c.s.open.Add(1)
	for peak := c.s.peak.Load(); n > peak && !c.s.peak.CompareAndSwap(peak, n); peak = c.s.peak.Load() {
	}
	if !c.byLoop {
		answers, ended := make(chan []byte, 1), make(chan struct{})
		c.answers, c.ended = answers, ended
		c.c.Handle(&Handler{
			OnMessage: func(_ *Conn, _ MessageType, p []byte) { answers <- bytes.Clone(p) },
			OnClose:   func(*Conn, error) { close(ended) },
		})
	}
	return nil
}

// echo sends a message of any size, and waits for it to come back.
func (c *soakConn) echo() error {
	ctx, cancel := soakContext()
	defer cancel()
	p := bytes.Repeat([]byte{'a' + byte(rand.IntN(26))}, 1<<rand.IntN(15)+rand.IntN(100))
	if err := c.c.Write(ctx, MessageType(1+rand.IntN(2)), p); err != nil {
		return err
	}
	var got []byte
	if c.byLoop {
		var err error
		if _, got, err = c.c.Read(ctx); err != nil {
			return err
		}
	} else {
		select {
		case got = <-c.answers:
		case <-c.ended:
			return errors.New("the connection ended in place of an echo")
		case <-ctx.Done():
			return fmt.Errorf("no echo: %w", ctx.Err())
		}
	}
	if !bytes.Equal(p, got) {
		return fmt.Errorf("%d bytes came back, and not those %d that went", len(got), len(p))
	}
	c.s.echoed.Add(1)
	return nil
}

// end ends the connection in one of the ways there are, and waits for it.
func (c *soakConn) end() error {
	if c.c == nil {
		return nil
	}
	ctx, cancel := soakContext()
	defer cancel()
	how := rand.IntN(closings)
	var err error
	want := StatusCode(-1)
	switch how {
	case clientCloses:
		err, want = c.c.Close(StatusNormalClosure, "enough"), StatusNormalClosure
	case clientVanishes:
		err = c.c.CloseNow()
	case clientBreaksFrame:
		if _, err = c.c.NetConn().Write([]byte{0x82, 0xff, 0}); err == nil {
			err = c.c.CloseNow()
		}
	case serverCloses:
		err, want = c.c.Write(ctx, MessageText, []byte(askClose)), 4000
	case serverVanishes:
		err = c.c.Write(ctx, MessageText, []byte(askVanish))
	}
	if err != nil {
		return fmt.Errorf("close in way %d: %w", how, err)
	}
	if c.byLoop {
		_, _, err = c.c.Read(ctx)
	} else {
		select {
		case <-c.ended:
			err = c.c.ended()
		case <-ctx.Done():
			return fmt.Errorf("no end: %w", ctx.Err())
		}
	}
	if CloseStatus(err) != want || want == -1 && !(errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return fmt.Errorf("closed in way %d, it ended with %w", how, err)
	}
	c.s.closed[how].Add(1)
	c.s.open.Add(-1)
	c.c.CloseNow()
	c.c, c.answers, c.ended = nil, nil, nil
	return nil
}
