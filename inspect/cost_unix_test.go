//go:build unix

package inspect

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/echo"
	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// echoes are connections from a phone to a server that echoes, over a wire in
// memory.
type echoes struct {
	conns []net.Conn
	page  *Server // nil: nothing is recorded
	url   string
}

func newEchoes(b *testing.B, count int, inspected bool) *echoes {
	e := &echoes{}
	var rec trace.Recorder
	var keeper *Recorder
	if inspected {
		keeper = NewRecorder()
		rec = keeper
	}
	wire := link.NewWire(link.WireConfig{Name: "cost", Recorder: rec, NoOffload: true})
	server := stack.New(stack.Config{Name: "server", Recorder: rec, Detail: inspected})
	phone := stack.New(stack.Config{Name: "phone"})
	_, err := server.Attach(wire.A(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(b, err)
	_, err = phone.Attach(wire.B(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(b, err)
	ln, err := tcp.Listen(server, "tcp", ":7")
	require.NoError(b, err)
	go echo.Serve(ln)
	for range count {
		c, err := (&tcp.Dialer{Host: phone}).Dial("tcp", "10.0.0.2:7")
		require.NoError(b, err)
		e.conns = append(e.conns, c)
	}
	if inspected {
		e.page = New(Config{Hosts: []*stack.Host{server}, Recorder: keeper, Wires: []Wire{{Wire: wire, Name: "cost", A: "server", B: "phone"}}})
		at, _, err := Listen(":0")
		require.NoError(b, err)
		e.url = URL(at.Addr(), "")
		go e.page.Serve(at)
	}
	b.Cleanup(func() {
		if e.page != nil {
			e.page.Close()
		}
		ln.Close()
		phone.Close()
		server.Close()
		wire.Close()
	})
	return e
}

// run has eight clients go around the connections with messages of 1,000 bytes for
// a while, and gives the processor time of this process for each, there and back,
// in microseconds: others on the machine take of the clock, and not of that.
func (e *echoes) run(b *testing.B, d time.Duration) float64 {
	var count atomic.Int64
	used := processorTime(b)
	var clients sync.WaitGroup
	began := time.Now()
	for k := range 8 {
		clients.Go(func() {
			out, in := make([]byte, 1000), make([]byte, 1000)
			for i := k; time.Since(began) < d; i += 8 {
				c := e.conns[i%len(e.conns)]
				if _, err := c.Write(out); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(c, in); err != nil {
					b.Error(err)
					return
				}
				count.Add(1)
			}
		})
	}
	clients.Wait()
	return float64((processorTime(b) - used).Nanoseconds()) / 1000 / float64(count.Load())
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// open asks for what the page asks for, as often, until it is closed.
func (e *echoes) open() (close func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	for path, pause := range map[string]time.Duration{
		"api/state": 500 * time.Millisecond, "api/connections?limit=50": time.Second, "api/messages": 2 * time.Second, "api/events?of=ladder&newest=50&wait=10": 250 * time.Millisecond,
	} {
		asking.Go(func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequestWithContext(ctx, "GET", e.url+path, nil)
				if resp, err := http.DefaultClient.Do(req); err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
			}
		})
	}
	return func() { cancel(); asking.Wait() }
}

// What inspecting costs the data path with 1,000 connections that all talk as fast
// as they can, in alternating rounds, medians: of processor time a message, with a
// page open to with none open, and with what can be inspected to with what cannot.
// Asking for the page's parts is in it too, on both sides.
//
//	go test -run '^$' -bench Cost -benchtime 20x ./inspect
func BenchmarkCost(b *testing.B) {
	const conns, round = 1000, 300 * time.Millisecond
	plain, inspected := newEchoes(b, conns, false), newEchoes(b, conns, true)
	plain.run(b, round)
	inspected.run(b, round)
	var without, closed, opened []float64
	for b.Loop() {
		without = append(without, plain.run(b, round))
		closed = append(closed, inspected.run(b, round))
		leave := inspected.open()
		inspected.run(b, round) // what a page asks for at first
		opened = append(opened, inspected.run(b, round))
		leave()
		inspected.leave()
	}
	b.ReportMetric(median(without), "µs/without")
	b.ReportMetric(median(closed), "µs/closed")
	b.ReportMetric(median(opened), "µs/open")
	b.ReportMetric(median(opened)/median(closed), "open/closed")
	b.ReportMetric(median(closed)/median(without), "closed/without")
	b.ReportMetric(0, "ns/op")
}

// leave has nobody look any more, at once.
func (e *echoes) leave() {
	r := e.page.config.Recorder
	r.mu.Lock()
	r.until = time.Now()
	r.mu.Unlock()
	r.doze()
}
