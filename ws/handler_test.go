package ws

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// countingConn counts writes, which on a socket are system calls.
type countingConn struct {
	net.Conn
	mu     sync.Mutex
	writes int
}

// countWrites counts c's.
func countWrites(c *Conn) *countingConn {
	counting := &countingConn{Conn: c.conn}
	c.conn = counting
	if c.kernel != nil {
		c.kernel = &countingRawConn{c.kernel, counting}
	}
	return counting
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.add()
	return c.Conn.Write(p)
}

func (c *countingConn) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
}

// countingRawConn is the descriptor below.
type countingRawConn struct {
	syscall.RawConn
	c *countingConn
}

func (r *countingRawConn) Write(f func(fd uintptr) bool) error {
	r.c.add()
	return r.RawConn.Write(f)
}

func (c *countingConn) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// readyConn has readiness over any connection: a goroutine reads ahead into a
// queue, TryRead takes from it.
type readyConn struct {
	net.Conn
	mu    sync.Mutex
	queue []byte
	err   error
	f     func()
}

func newReadyConn(c net.Conn) *readyConn {
	r := &readyConn{Conn: c}
	go func() {
		buf := make([]byte, 1000)
		for {
			n, err := c.Read(buf)
			r.mu.Lock()
			r.queue, r.err = append(r.queue, buf[:n]...), err
			f := r.f
			r.f = nil
			r.mu.Unlock()
			if f != nil {
				go f()
			}
			if err != nil {
				return
			}
		}
	}()
	return r
}

func (r *readyConn) TryRead(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 {
		n := copy(p, r.queue)
		r.queue = r.queue[n:]
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	return 0, syscall.EAGAIN
}

func (r *readyConn) Read(p []byte) (int, error) { // for the end of the closing handshake
	for {
		if n, err := r.TryRead(p); err != syscall.EAGAIN {
			return n, err
		}
		more := make(chan struct{})
		r.OnReadable(func() { close(more) })
		<-more
	}
}

func (r *readyConn) OnReadable(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 || r.err != nil {
		go f()
		return
	}
	r.f = f
}

// CloseWrite is the socket's.
func (r *readyConn) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// opaqueConn does not show that it is the kernel's.
type opaqueConn struct{ net.Conn }

func (c opaqueConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// eventPairs are the connections on which event mode stands: the kernel's, which
// a poller watches; one that has readiness itself; and one that has none.
var eventPairs = map[string]func(testing.TB) (a, b net.Conn){
	"polled": tcpPair,
	"ready": func(t testing.TB) (net.Conn, net.Conn) {
		a, b := tcpPair(t)
		return newReadyConn(a), b
	},
	"goroutine": func(t testing.TB) (net.Conn, net.Conn) {
		a, b := tcpPair(t)
		return opaqueConn{a}, b
	},
}

// echoHandler echoes, and says when and why the connection closed.
func echoHandler(closed chan error) *Handler {
	return &Handler{
		OnMessage: func(c *Conn, typ MessageType, p []byte) { c.Write(context.Background(), typ, p) },
		OnClose:   func(c *Conn, err error) { closed <- err },
	}
}

// The conformance table in event mode, on each kind of connection.
func TestConformanceOfHandler(t *testing.T) {
	for name, pair := range eventPairs {
		for _, client := range []bool{false, true} {
			for _, s := range conformance() {
				t.Run(fmt.Sprintf("%s/client %v/%s", name, client, s.name), func(t *testing.T) {
					t.Parallel()
					s.runWith(t, pair, client, 0, func(c *Conn) error {
						closed := make(chan error, 1)
						c.Handle(echoHandler(closed))
						return <-closed
					})
				})
			}
		}
	}
}

// The callbacks come in order, one at a time: OnOpen, messages and pings, and
// OnClose once, with what Read would have said.
func TestHandlerCallbacks(t *testing.T) {
	for name, pair := range eventPairs {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, pair, false, connConfig{})
			events := make(chan string, 100)
			var running sync.Mutex
			say := func(format string, args ...any) {
				if !running.TryLock() {
					format = "AT ONCE WITH ANOTHER: " + format
				}
				events <- fmt.Sprintf(format, args...)
				running.Unlock()
			}
			c.Handle(&Handler{
				OnOpen:    func(c *Conn) { say("open"); c.Write(t.Context(), MessageText, []byte("welcome")) },
				OnMessage: func(c *Conn, typ MessageType, p []byte) { say("%v %q", typ, p) },
				OnPing:    func(c *Conn, p []byte) { say("ping %q", p) },
				OnClose:   func(c *Conn, err error) { say("close %d", CloseStatus(err)) },
			})
			require.Equal(t, text("welcome"), p.receive(t))
			p.send(t, text("a"), pinging("p"), raw(2, "b"), raw(0, "c"), pinging("q"), raw(fin, "d"), text(""), closing(1001, "bye"))
			for _, want := range []string{"open", `text "a"`, `ping "p"`, `ping "q"`, `binary "bcd"`, `text ""`, "close 1001"} {
				require.Equal(t, want, <-events)
			}
			require.Equal(t, ponging("p"), p.receive(t))
			require.Equal(t, ponging("q"), p.receive(t))
			require.Equal(t, closing(1001, ""), p.receive(t))
			require.Empty(t, events)
		})
	}
}

// A callback may close; so may anybody else, also without a handshake, while the
// connection is idle; and a connection that has ended before only closes.
func TestHandlerCloses(t *testing.T) {
	for name, pair := range eventPairs {
		t.Run(name, func(t *testing.T) {
			closed := make(chan error, 1)
			c, p := open(t, pair, false, connConfig{})
			h := echoHandler(closed)
			h.OnMessage = func(c *Conn, _ MessageType, p []byte) {
				require.NoError(t, c.Close(4000, string(p)))
				require.ErrorIs(t, c.Close(4000, string(p)), net.ErrClosed)
			}
			c.Handle(h)
			p.send(t, text("why"))
			require.Equal(t, closing(4000, "why"), p.receive(t))
			p.send(t, closing(4000, ""))
			require.Equal(t, StatusCode(4000), CloseStatus(<-closed))

			c, _ = open(t, pair, false, connConfig{})
			c.Handle(echoHandler(closed))
			require.NoError(t, c.CloseNow())
			require.ErrorIs(t, <-closed, net.ErrClosed)

			c, _ = open(t, pair, false, connConfig{})
			c.CloseNow()
			c.Handle(echoHandler(closed))
			require.ErrorIs(t, <-closed, net.ErrClosed)

			c, p = open(t, pair, false, connConfig{})
			c.Handle(echoHandler(closed))
			p.Close()
			require.ErrorIs(t, <-closed, io.ErrUnexpectedEOF)
		})
	}
}

// A peer that does not answer the close frame is given up after the CloseTimeout,
// also where nobody waits in a read.
func TestHandlerCloseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		ready := newReadyConn(a)
		c := newConn(ready, connConfig{closeTimeout: 7 * time.Second})
		go io.Copy(io.Discard, b)
		closed := make(chan error, 1)
		c.Handle(echoHandler(closed))
		synctest.Wait()
		start := time.Now()
		require.NoError(t, c.Close(1000, ""))
		require.ErrorContains(t, <-closed, "closing handshake")
		require.Equal(t, 7*time.Second, time.Since(start))
		b.Close()
	})
}

// Messages of every size around the buffers' ends come back, in event mode, with
// and without compression, many at a time.
func TestHandlerEcho(t *testing.T) {
	for name, pair := range eventPairs {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/compressed %v", name, compressed), func(t *testing.T) {
				t.Parallel()
				a, b := pair(t)
				cfg := connConfig{readLimit: -1}
				if compressed {
					cfg = deflating(deflateParams{}, Compression{})
				}
				server := newConn(a, cfg)
				cfg.client, cfg.rand = true, zeroes{}
				client := newConn(b, cfg)
				closed := make(chan error, 1)
				server.Handle(echoHandler(closed))
				sizes := []int{0, 1, 125, 126, 4082, 65521, 65522, 65536, 70_000, 1 << 20, 3, 0, 65535, 200_000}
				message := func(i int) []byte {
					return bytes.Repeat(fmt.Appendf(nil, "%d,", i), sizes[i%len(sizes)]/2+1)[:sizes[i%len(sizes)]]
				}
				const n = 60
				wrote := make(chan error, 1)
				go func() {
					for i := range n {
						if err := client.Write(context.Background(), MessageText, message(i)); err != nil {
							wrote <- err
							return
						}
					}
					wrote <- nil
				}()
				for i := range n {
					_, got, err := client.Read(t.Context())
					require.NoError(t, err)
					require.True(t, bytes.Equal(message(i), got), "message %d", i)
				}
				require.NoError(t, <-wrote)
				require.NoError(t, client.Close(1000, ""))
				require.Equal(t, StatusCode(1000), CloseStatus(<-closed))
			})
		}
	}
}

// The answers to a hundred messages that come at once leave in one write, and the
// answer to one that comes alone leaves alone and at once.
func TestHandlerCorks(t *testing.T) {
	for name := range eventPairs {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, tcpPair, false, connConfig{})
			if name != "polled" {
				c.kernel = nil
			}
			counting := countWrites(c)
			if name == "ready" {
				c.conn = newReadyConn(counting)
			}
			closed := make(chan error, 1)
			c.Handle(echoHandler(closed))
			p.send(t, text("alone"))
			require.Equal(t, text("alone"), p.receive(t))
			require.Equal(t, 1, counting.count())

			var wire []byte
			for range 10 {
				wire = append(wire, text("one of many").bytes(true)...)
			}
			_, err := p.Write(wire)
			require.NoError(t, err)
			for range 10 {
				require.Equal(t, text("one of many"), p.receive(t))
			}
			require.Equal(t, 2, counting.count(), "ten answers in one write")
			c.CloseNow()
			<-closed
		})
	}
}

// In a Batch what is written leaves when it is over, in order, in one write.
func TestBatch(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	counting := countWrites(c)
	var want []rawFrame
	require.NoError(t, c.Batch(func() error {
		for i := range 100 {
			m := strings.Repeat("x", i)
			want = append(want, text(m))
			require.NoError(t, c.Write(t.Context(), MessageText, []byte(m)))
		}
		require.Zero(t, counting.count())
		return nil
	}))
	require.Equal(t, 1, counting.count())
	for _, w := range want {
		require.Equal(t, w, p.receive(t))
	}
	// More than is held at most goes out meanwhile, in order; the error is f's.
	err := c.Batch(func() error {
		for _, n := range []int{10, 60_000, 10_000, 200_000, 5} {
			require.NoError(t, c.Write(t.Context(), MessageBinary, make([]byte, n)))
		}
		return io.EOF
	})
	require.Equal(t, io.EOF, err)
	for _, n := range []int{10, 60_000, 10_000, 200_000, 5} {
		require.Len(t, p.receive(t).payload, n)
	}
}

// A loop that reads and writes in a Batch answers all that came at once in one
// write, and never waits for a peer that waits for the answer.
func TestReadInBatchSendsWhatIsHeld(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	counting := countWrites(c)
	ended := make(chan error, 1)
	go func() { ended <- c.Batch(func() error { return echoUntilError(c) }) }()
	for i := range 10 {
		var wire []byte
		for range i + 1 {
			wire = append(wire, text("hello").bytes(true)...)
		}
		_, err := p.Write(wire)
		require.NoError(t, err)
		for range i + 1 {
			require.Equal(t, text("hello"), p.receive(t))
		}
		require.Equal(t, i+1, counting.count())
	}
	// While that loop waits, what another goroutine writes is not held.
	require.NoError(t, c.Write(t.Context(), MessageText, []byte("from aside")))
	require.Equal(t, text("from aside"), p.receive(t))
	p.send(t, closing(1000, ""))
	require.Equal(t, StatusNormalClosure, CloseStatus(<-ended))
}

// Without a Batch nothing is held: one of two frames that came at once is
// answered, nobody reads again, and the answer arrives.
func TestAnswerWithoutBatchLeavesAtOnce(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	_, err := p.Write(append(text("one").bytes(true), text("two").bytes(true)...))
	require.NoError(t, err)
	_, m, err := c.Read(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Write(t.Context(), MessageText, m))
	require.Equal(t, text("one"), p.receive(t))
}

// Batches of many goroutines, on both sides, lose and reorder nothing.
func TestConcurrentBatches(t *testing.T) {
	a, b := tcpPair(t)
	server := newConn(a, connConfig{})
	client := newConn(b, connConfig{client: true, rand: zeroes{}})
	const writers, each = 8, 200
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for w := range writers {
		for _, c := range []*Conn{server, client} {
			wg.Go(func() {
				errs <- c.Batch(func() error {
					for i := range each {
						if err := c.Write(context.Background(), MessageText, fmt.Appendf(nil, "%d %d", w, i)); err != nil {
							return err
						}
					}
					return nil
				})
			})
		}
	}
	for _, c := range []*Conn{server, client} {
		wg.Go(func() {
			next := make(map[int]int)
			for range writers * each {
				_, m, err := c.Read(context.Background())
				if err != nil {
					errs <- err
					return
				}
				var w, i int
				fmt.Sscanf(string(m), "%d %d", &w, &i)
				if i != next[w] {
					errs <- fmt.Errorf("writer %d: %d, wanted %d", w, i, next[w])
				}
				next[w]++
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	server.CloseNow()
	client.CloseNow()
}

// A peer that does not read is given up after the WriteTimeout, and what is held
// for it is bounded: 64 KiB, whatever it asks for.
func TestHandlerGivesUpWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := newConn(a, connConfig{writeTimeout: 8 * time.Second})
		closed := make(chan error, 1)
		c.Handle(echoHandler(closed))
		start := time.Now()
		go func() {
			for {
				if _, err := b.Write(bin(strings.Repeat("x", 1000)).bytes(true)); err != nil {
					return
				}
			}
		}()
		require.ErrorContains(t, <-closed, "does not read")
		require.LessOrEqual(t, time.Since(start), 8*time.Second+askTime)
		require.GreaterOrEqual(t, time.Since(start), 4*time.Second)
		b.Close()
	})
}

// A silent peer is pinged, and kept as long as it answers; one that does not is
// given up. A peer that talks is not pinged.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{keepAlive: KeepAlive{Interval: 10 * time.Second, Timeout: 3 * time.Second}})
		ended := make(chan error, 1)
		go func() { _, _, err := c.Read(context.Background()); ended <- err }()
		start := time.Now()
		for i := range 5 {
			require.Equal(t, pinging(""), p.receive(t))
			require.Equal(t, time.Duration(10*(i+1)+3*i)*time.Second, time.Since(start).Truncate(time.Second))
			p.send(t, ponging(""))
		}
		require.Equal(t, pinging(""), p.receive(t))
		err := <-ended
		require.ErrorContains(t, err, "silent for 10s")
		var ne net.Error
		require.True(t, errors.As(err, &ne) && ne.Timeout())
	})
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{keepAlive: KeepAlive{Interval: 10 * time.Second}})
		go c.Read(context.Background())
		for range 20 {
			time.Sleep(9 * time.Second)
			p.send(t, ponging("")) // anything is a sign of life
		}
		// A ping would have ended the connection: nobody reads it here.
		require.NoError(t, c.ended())
		c.CloseNow()
	})
}

// A second Handler waits until it is too late, and whoever gives it does not.
func TestSecondHandler(t *testing.T) {
	for name, pair := range eventPairs {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			c := newConn(a, connConfig{})
			first, second := make(chan error, 1), make(chan error, 1)
			c.Handle(echoHandler(first))
			c.Handle(echoHandler(second))
			p := &peer{Conn: b, br: bufio.NewReader(b), client: true}
			p.send(t, text("once"))
			require.Equal(t, text("once"), p.receive(t))
			p.send(t, closing(1000, ""))
			require.Equal(t, closing(1000, ""), p.receive(t))
			require.Equal(t, StatusNormalClosure, CloseStatus(<-first))
			err := <-second
			require.ErrorIs(t, err, net.ErrClosed)
			require.Equal(t, StatusNormalClosure, CloseStatus(err))
		})
	}
}

// Whichever of Close and Handle is first, the CloseTimeout holds.
func TestHandleBesideClose(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := newConn(newReadyConn(a), connConfig{closeTimeout: 7 * time.Second})
			go io.Copy(io.Discard, b)
			synctest.Wait()
			start := time.Now()
			closed := make(chan error, 1)
			done := make(chan struct{})
			go func() { c.Close(1000, ""); close(done) }()
			go c.Handle(echoHandler(closed))
			require.Error(t, <-closed)
			<-done
			require.Equal(t, 7*time.Second, time.Since(start))
			b.Close()
		})
	}
}

// Messages that came behind the handshake, and are more than a buffer holds, are
// as good as others.
func TestHandlerTakesALargeMessageBehindTheHandshake(t *testing.T) {
	a, b := tcpPair(t)
	large := strings.Repeat("large ", 20_000)
	buffered := append(text(large).bytes(true), text("small").bytes(true)...)
	c := newConn(a, connConfig{buffered: buffered})
	closed := make(chan error, 1)
	c.Handle(echoHandler(closed))
	p := &peer{Conn: b, br: bufio.NewReader(b), client: true}
	require.Equal(t, text(large), p.receive(t))
	require.Equal(t, text("small"), p.receive(t))
	p.send(t, closing(1000, ""))
	require.Equal(t, StatusNormalClosure, CloseStatus(<-closed))
}

// A message whose rest comes together with the next one, long after its beginning,
// leaves nothing behind: of what is in the socket then nobody tells again.
func TestHandlerReadsOnBehindALargeMessage(t *testing.T) {
	for name, pair := range eventPairs {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			c := newConn(a, connConfig{})
			pinged, closed := make(chan struct{}), make(chan error, 1)
			h := echoHandler(closed)
			h.OnPing = func(*Conn, []byte) { close(pinged) }
			c.Handle(h)
			p := &peer{Conn: b, br: bufio.NewReader(b), client: true}

			large := strings.Repeat("large", 2*directRead/5)
			wire := append(raw(1, large).bytes(true), pinging("so far").bytes(true)...)
			second := raw(fin, large).bytes(true)
			header := len(second) - len(large)
			_, err := p.Write(append(wire, second[:header]...))
			require.NoError(t, err)
			<-pinged
			require.Equal(t, ponging("so far"), p.receive(t))
			if c.events.nonBlocking() {
				require.Eventually(t, func() bool { return c.events.turn.Load() == 0 }, time.Minute, time.Millisecond, "idle")
			}
			_, err = p.Write(append(second[header:], text("small").bytes(true)...))
			require.NoError(t, err)
			require.Equal(t, text(large+large), p.receive(t))
			require.Equal(t, text("small"), p.receive(t))
			p.send(t, closing(1000, ""))
			require.Equal(t, StatusNormalClosure, CloseStatus(<-closed))
		})
	}
}

// endlessConn always has more to read than there is room for, as a peer has that
// sends faster than we take it.
type endlessConn struct {
	*countingConn
	stream func(p []byte)
	reads  func()
}

func (e *endlessConn) TryRead(p []byte) (int, error) {
	e.reads()
	e.stream(p)
	return len(p), nil
}

func (e *endlessConn) OnReadable(f func()) { go f() }

// Who sends without end gets answers meanwhile: what is held leaves before more is
// read.
func TestHandlerAnswersWhoSendsWithoutEnd(t *testing.T) {
	a, b := tcpPair(t)
	counting := &countingConn{Conn: a}
	wire := append(text("small").bytes(true), pinging("and a ping").bytes(true)...)
	wire = append(wire, raw(2, "large").declaring(1<<40).bytes(true)...)
	reads, writes := 0, 0
	var c *Conn
	conn := &endlessConn{
		countingConn: counting,
		stream:       func(p []byte) { wire = wire[copy(p, wire):] },
		reads: func() {
			if reads++; reads == 2 {
				writes = counting.count()
				c.CloseNow()
			}
		},
	}
	c = newConn(conn, connConfig{readLimit: -1})
	closed := make(chan error, 1)
	c.Handle(echoHandler(closed))
	require.ErrorIs(t, <-closed, net.ErrClosed)
	require.Equal(t, 1, writes, "answered in one write before the second read")
	b.Close()
}
