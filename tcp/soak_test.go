package tcp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// Bulk both ways, round trips, and connections that come and go, all at once
// over a wire with delay, a rate, a queue and loss. Every byte that arrives is
// compared; a flow on which nothing arrives for half a minute has stalled, and
// none does; and once TIME-WAIT has run full, memory, goroutines and descriptors
// grow no more. For 20 seconds, or as long as STRATA_SOAK says ("30m"): then with
// a line for each five minutes.
func TestSoak(t *testing.T) {
	length := 20 * time.Second
	if soak := os.Getenv("STRATA_SOAK"); soak != "" {
		var err error
		length, err = time.ParseDuration(soak)
		require.NoError(t, err)
	}
	shape := link.MustParseShape("delay 5ms 1ms rate 50mbit limit 200 loss 0.5%")
	client, server, _ := hosts(t, link.WireConfig{AB: shape, BA: shape})
	client.SetAckDelay(stack.LinuxAckDelay)
	server.SetAckDelay(stack.LinuxAckDelay)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	r := &longRun{client: client, ctx: ctx, cancel: cancel}

	up := r.watch("bulk to the server") // as it arrives
	for port, serve := range map[string]func(*tcp.Conn) error{
		":80": echoAll,
		":81": func(c *tcp.Conn) error { return receive(c, up) },
		":82": pour,
	} {
		ln, err := tcp.Listen(server, "tcp", "10.0.0.2"+port)
		require.NoError(t, err)
		defer ln.Close()
		r.accepting.Go(func() { r.serve(ln, serve) })
	}
	r.run(up, func() error { return r.over(":81", pour) })
	down := r.watch("bulk from the server")
	r.run(down, func() error { return r.over(":82", func(c *tcp.Conn) error { return receive(c, down) }) })
	for i := range 4 {
		trips, opens := r.watch(fmt.Sprintf("round trips %d", i)), r.watch(fmt.Sprintf("connections %d", i))
		r.run(trips, func() error { return r.over(":80", func(c *tcp.Conn) error { return roundTrips(c, trips) }) })
		r.run(opens, func() error { return r.churn(opens, uint64(i)) })
	}

	// What is there after five minutes is the measure of what is there at the
	// end; in the short form that is a quarter of it.
	var first usage
	next := min(5*time.Minute, length/4)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < length && ctx.Err() == nil; <-tick.C {
		r.stalled()
		if at := time.Since(start); at >= next {
			u := inUseNow(client, server)
			if first == (usage{}) {
				first = u
			}
			t.Logf("%v: %v; %v", at.Round(time.Second), u, r)
			next += 5 * time.Minute
		}
	}
	last := inUseNow(client, server)
	t.Logf("at the end: %v; %v", last, r)
	cancel(errEnough)
	r.running.Wait()
	require.ErrorIs(t, context.Cause(ctx), errEnough)
	for _, f := range r.flows {
		require.NotZero(t, f.progress.Load(), f.name)
	}
	// A dozen flows, each with at most an acceptance, a connection's two sides
	// and a buffer on its way: what varies from one moment to the next.
	require.LessOrEqual(t, last.goroutines, first.goroutines+16, "goroutines")
	require.LessOrEqual(t, last.descriptors, first.descriptors+2, "descriptors")
	// Connections in TIME-WAIT, of which the short form has ever more, take some
	// kilobytes each; what lies in buffers and queues varies by megabytes.
	room := 16<<20 + 12<<10*max(0, last.timeWait-first.timeWait)
	require.Less(t, last.memory, first.memory+room, "memory")
	require.NoError(t, client.Close()) // what serves sees its connections end
	require.NoError(t, server.Close())
	r.accepting.Wait()
}

var errEnough = errors.New("it has run long enough")

// longRun are the flows of TestSoak.
type longRun struct {
	client *stack.Host
	ctx    context.Context
	cancel context.CancelCauseFunc

	flows     []*flow
	running   sync.WaitGroup
	accepting sync.WaitGroup
}

// flow is one of what goes on, with what it has done: bytes, or round trips, or
// connections.
type flow struct {
	name     string
	progress atomic.Uint64
	seen     uint64 // when it was last looked at
	since    time.Time
}

// watch makes a flow that is not to stand still.
func (r *longRun) watch(name string) *flow {
	f := &flow{name: name, since: time.Now()}
	r.flows = append(r.flows, f)
	return f
}

// run has a flow go on; its failure ends the test.
func (r *longRun) run(f *flow, do func() error) {
	r.running.Go(func() {
		if err := do(); err != nil && r.ctx.Err() == nil {
			r.fail(f, err)
		}
	})
}

func (r *longRun) fail(f *flow, err error) {
	r.cancel(fmt.Errorf("%s, after %d: %w", f.name, f.progress.Load(), err))
}

// stalled ends the test where a flow stands still.
func (r *longRun) stalled() {
	for _, f := range r.flows {
		if now := f.progress.Load(); now != f.seen {
			f.seen, f.since = now, time.Now()
		} else if time.Since(f.since) > stillness {
			r.fail(f, fmt.Errorf("nothing for %v\n%v", stillness, unfinished(r.client)))
		}
	}
}

func (r *longRun) String() string {
	var b bytes.Buffer
	for i, f := range r.flows {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", f.name, f.progress.Load())
	}
	return b.String()
}

func (r *longRun) serve(ln *tcp.Listener, each func(*tcp.Conn) error) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		c, err := ln.AcceptTCP()
		if err != nil {
			return
		}
		serving.Go(func() {
			if err := each(c); errors.Is(err, errOtherBytes) {
				r.cancel(fmt.Errorf("at the server: %w", err))
			}
			c.Close()
		})
	}
}

var errOtherBytes = errors.New("other bytes arrived than were sent")

// over runs on a connection that is closed when the test ends.
func (r *longRun) over(port string, run func(*tcp.Conn) error) error {
	c, err := (&tcp.Dialer{Host: r.client}).DialContext(r.ctx, "tcp", "10.0.0.2"+port)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(r.ctx, func() { c.Close() })()
	return run(c.(*tcp.Conn))
}

// pattern is what bulk sends, again and again: its size is a prime, so that it
// is not the period of anything below.
var pattern = func() []byte {
	b := make([]byte, 65521)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}()

// pour sends the pattern until the connection ends.
func pour(c *tcp.Conn) error {
	for {
		if _, err := c.Write(pattern); err != nil {
			return err
		}
	}
}

// receive reads the pattern until the connection ends.
func receive(c *tcp.Conn, f *flow) error {
	b, at := make([]byte, 64<<10), 0
	for {
		n, err := c.Read(b)
		for got := b[:n]; len(got) > 0; {
			part := min(len(got), len(pattern)-at)
			if !bytes.Equal(got[:part], pattern[at:at+part]) {
				return errOtherBytes
			}
			got, at = got[part:], (at+part)%len(pattern)
		}
		f.progress.Add(uint64(n))
		if err != nil {
			return err
		}
	}
}

func echoAll(c *tcp.Conn) error {
	_, err := io.Copy(c, c)
	return err
}

func roundTrips(c *tcp.Conn, f *flow) error {
	sent, got := make([]byte, 64), make([]byte, 64)
	for n := byte(0); ; n++ {
		for i := range sent {
			sent[i] = n + byte(i)
		}
		if _, err := c.Write(sent); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, got); err != nil {
			return err
		}
		if !bytes.Equal(sent, got) {
			return errOtherBytes
		}
		f.progress.Add(1)
	}
}

// churn opens connections one after the other, each for a message of any size
// there and back, and ends it in one of the ways there are.
func (r *longRun) churn(f *flow, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 1))
	for r.ctx.Err() == nil {
		err := r.over(":80", func(c *tcp.Conn) error {
			message := pattern[random.IntN(1000):][:1+random.IntN(20_000)]
			if _, err := c.Write(message); err != nil {
				return err
			}
			half := random.IntN(2) == 0
			if half {
				if err := c.CloseWrite(); err != nil {
					return err
				}
			}
			got := make([]byte, len(message))
			if _, err := io.ReadFull(c, got); err != nil {
				return err
			}
			if !bytes.Equal(message, got) {
				return errOtherBytes
			}
			if half {
				if n, err := c.Read(got); n != 0 || err != io.EOF {
					return fmt.Errorf("after the answer: %d bytes, %v", n, err)
				}
			} else if random.IntN(2) == 0 {
				return c.SetLinger(0) // a reset
			}
			return nil
		})
		if err != nil {
			return err
		}
		f.progress.Add(1)
	}
	return nil
}

// usage is what the process has in use.
type usage struct {
	memory      int // heap and stacks, bytes
	goroutines  int
	descriptors int
	timeWait    int // connections
}

func inUseNow(hosts ...*stack.Host) usage {
	u := usage{memory: heapInUse(), goroutines: runtime.NumGoroutine()}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.memory += int(m.StackInuse)
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux has it
		u.descriptors = len(fds)
	}
	for _, h := range hosts {
		for _, i := range tcp.Netstat(h) {
			if i.State == "TIME-WAIT" {
				u.timeWait++
			}
		}
	}
	return u
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MB, %d goroutines, %d descriptors, %d in TIME-WAIT", float64(u.memory)/1e6, u.goroutines, u.descriptors, u.timeWait)
}
