package tcp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/nettest"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hosts is a client and a server on a wire, closed with the test. They speak IPv6
// too where the wire's MTU has room for it, and tell the wire's Recorder everything.
func hosts(t testing.TB, wire link.WireConfig) (client, server *stack.Host, w *link.Wire) {
	t.Helper()
	w = link.NewWire(wire)
	client = stack.New(stack.Config{Name: "client", Recorder: wire.Recorder, Detail: true})
	server = stack.New(stack.Config{Name: "server", Recorder: wire.Recorder, Detail: true})
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.NoError(t, w.Close())
	})
	here, there := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}
	if w.A().MTU() >= header.IPv6MinimumMTU {
		here, there = append(here, netip.MustParsePrefix("fd00::1/64")), append(there, netip.MustParsePrefix("fd00::2/64"))
	}
	_, err := client.Attach(w.A(), here...)
	require.NoError(t, err)
	_, err = server.Attach(w.B(), there...)
	require.NoError(t, err)
	return client, server, w
}

// connected is both ends of a connection between two hosts on a wire, which is
// all that there is there: nobody listens any more.
func connected(t testing.TB, wire link.WireConfig) (c, s *tcp.Conn, w *link.Wire) {
	t.Helper()
	client, server, w := hosts(t, wire)
	ln, err := tcp.Listen(server, "tcp", "10.0.0.2:80")
	require.NoError(t, err)
	c, s = connect(t, client, ln)
	require.NoError(t, ln.Close())
	return c, s, w
}

// network is where a story is told: on ours, or on the kernel's sockets, which
// are the oracle: what they answer is right.
type network struct {
	name   string
	listen func(t *testing.T) net.Listener
	dial   func(ctx context.Context, addr string) (net.Conn, error)
	closed string // an address where nobody listens
}

func networks(t *testing.T) []network {
	t.Helper()
	client, server, _ := hosts(t, link.WireConfig{})
	dialer := &tcp.Dialer{Host: client}
	kernel := &net.Dialer{}
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, unused.Close())
	ours := func(name, addr string) network {
		return network{
			name: name,
			listen: func(t *testing.T) net.Listener {
				ln, err := tcp.Listen(server, "tcp", addr+":0")
				require.NoError(t, err)
				return ln
			},
			dial:   func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) },
			closed: addr + ":9",
		}
	}
	return []network{
		{
			name: "kernel",
			listen: func(t *testing.T) net.Listener {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				return ln
			},
			dial:   func(ctx context.Context, addr string) (net.Conn, error) { return kernel.DialContext(ctx, "tcp", addr) },
			closed: unused.Addr().String(),
		},
		ours("strata over IPv4", "10.0.0.2"),
		ours("strata over IPv6", "[fd00::2]"),
	}
}

// pair is a connection and both its ends, closed with the test.
func (n network) pair(t *testing.T) (client, server tcpConn) {
	t.Helper()
	ln := n.listen(t)
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			accepted <- c
		}
		close(accepted)
	}()
	c, err := n.dial(t.Context(), ln.Addr().String())
	require.NoError(t, err)
	s := <-accepted
	require.NotNil(t, s)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(tcpConn), s.(tcpConn)
}

// tcpConn is what *net.TCPConn and *tcp.Conn have in common.
type tcpConn interface {
	net.Conn
	io.ReaderFrom
	io.WriterTo
	CloseRead() error
	CloseWrite() error
	SetLinger(int) error
	SetNoDelay(bool) error
	SetKeepAlive(bool) error
	SetKeepAliveConfig(net.KeepAliveConfig) error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

var (
	_ tcpConn = (*net.TCPConn)(nil)
	_ tcpConn = (*tcp.Conn)(nil)
)

// The same story on the kernel's sockets and on ours: what a caller can tell
// apart by errors.Is, by net.Error and by net.OpError must be the same.
func TestEdges(t *testing.T) {
	long, soon := 10*time.Second, 10*time.Millisecond
	past := time.Unix(1, 0)
	stories := map[string]func(t *testing.T, n network){
		"refused": func(t *testing.T, n network) {
			_, err := n.dial(t.Context(), n.closed)
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			requireOp(t, err, "dial")
		},
		"dial with a context that is over": func(t *testing.T, n network) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := n.dial(ctx, n.closed)
			require.ErrorIs(t, err, context.Canceled)
			ctx, cancel = context.WithTimeout(t.Context(), -1)
			defer cancel()
			_, err = n.dial(ctx, n.closed)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			requireTimeout(t, err)
		},
		"address in use": func(t *testing.T, n network) {
			ln := n.listen(t)
			defer ln.Close()
			var err error
			if n.name == "kernel" {
				_, err = net.Listen("tcp", ln.Addr().String())
			} else {
				_, err = tcp.Listen(serverOf(ln), "tcp", ln.Addr().String())
			}
			require.ErrorIs(t, err, syscall.EADDRINUSE)
			requireOp(t, err, "listen")
		},
		"FIN is EOF, after what was sent": func(t *testing.T, n network) {
			c, s := n.pair(t)
			_, err := s.Write([]byte("last words"))
			require.NoError(t, err)
			require.NoError(t, s.Close())
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, "last words", string(got))
			_, err = c.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err, "bare, and again")
		},
		"half-close": func(t *testing.T, n network) {
			c, s := n.pair(t)
			require.NoError(t, c.CloseWrite())
			_, err := s.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
			_, err = s.Write([]byte("still here"))
			require.NoError(t, err)
			require.NoError(t, s.CloseWrite())
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, "still here", string(got))
			_, err = c.Write([]byte("x"))
			require.ErrorIs(t, err, syscall.EPIPE)
			requireOp(t, err, "write")
		},
		"reading side shut": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			require.NoError(t, c.CloseRead())
			_, err := c.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
		},
		"reset, read": func(t *testing.T, n network) {
			c, s := n.pair(t)
			require.NoError(t, s.SetLinger(0))
			require.NoError(t, s.Close())
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, syscall.ECONNRESET)
			requireOp(t, err, "read")
		},
		"reset, write": func(t *testing.T, n network) {
			c, s := n.pair(t)
			require.NoError(t, s.SetLinger(0))
			require.NoError(t, s.Close())
			_, err := c.Read(make([]byte, 1)) // waits for the reset
			require.Error(t, err)
			_, err = c.Write([]byte("x"))
			require.True(t, errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET), "%v", err)
		},
		"reset, read after a write was told": func(t *testing.T, n network) {
			c, s := n.pair(t)
			require.NoError(t, s.SetLinger(0))
			require.NoError(t, s.Close())
			untilBroken(t, c)
			for range 2 {
				_, err := c.Read(make([]byte, 1))
				if n.name == "kernel" {
					// It tells of a reset once, and of an end from then on. That
					// io.EOF is a FIN and nothing else is worth a difference.
					require.Equal(t, io.EOF, err)
					continue
				}
				require.ErrorIs(t, err, syscall.ECONNRESET)
				requireOp(t, err, "read")
			}
		},
		"reset after FIN is still EOF": func(t *testing.T, n network) {
			for _, half := range []bool{false, true} {
				c, s := n.pair(t)
				require.NoError(t, s.CloseWrite())
				_, err := c.Read(make([]byte, 1))
				require.Equal(t, io.EOF, err)
				if half {
					require.NoError(t, c.CloseWrite())
				}
				require.NoError(t, s.SetLinger(0))
				require.NoError(t, s.Close())
				untilBroken(t, c)
				_, err = c.Read(make([]byte, 1))
				require.Equal(t, io.EOF, err)
			}
		},
		"closed with data unread is a reset": func(t *testing.T, n network) {
			c, s := n.pair(t)
			_, err := c.Write([]byte("unwanted"))
			require.NoError(t, err)
			_, err = s.Read(make([]byte, 1)) // it has arrived
			require.NoError(t, err)
			require.NoError(t, s.Close())
			_, err = c.Read(make([]byte, 1))
			require.ErrorIs(t, err, syscall.ECONNRESET)
		},
		"deadline before": func(t *testing.T, n network) {
			c, s := n.pair(t)
			_, err := s.Write([]byte("x"))
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(past))
			_, err = c.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded, "although there is something to read")
			requireTimeout(t, err)
			requireOp(t, err, "read")
			_, err = c.Write([]byte("x"))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			requireOp(t, err, "write")
			require.NoError(t, c.SetDeadline(time.Time{}))
			_, err = c.Read(make([]byte, 1))
			require.NoError(t, err, "nothing was lost")
		},
		"deadline during": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(soon)))
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			// The write fills what there is of buffers, then waits.
			require.NoError(t, c.SetWriteDeadline(time.Now().Add(soon)))
			for err = nil; err == nil; {
				_, err = c.Write(make([]byte, 1<<20))
			}
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		},
		"deadline set while it waits": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			failed := make(chan error)
			go func() { _, err := c.Read(make([]byte, 1)); failed <- err }()
			require.NoError(t, c.SetReadDeadline(past))
			require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
		},
		"deadline moved away in time": func(t *testing.T, n network) {
			c, s := n.pair(t)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(soon)))
			require.NoError(t, c.SetReadDeadline(time.Now().Add(long)))
			time.AfterFunc(2*soon, func() { s.Write([]byte("x")) })
			_, err := c.Read(make([]byte, 1))
			require.NoError(t, err)
		},
		"close while reading": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			failed := make(chan error)
			for range 3 {
				go func() { _, err := c.Read(make([]byte, 1)); failed <- err }()
			}
			runtime.Gosched()
			require.NoError(t, c.Close())
			for range 3 {
				err := <-failed
				require.ErrorIs(t, err, net.ErrClosed)
				requireOp(t, err, "read")
			}
		},
		"close while writing": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			failed := make(chan error)
			go func() {
				for {
					if _, err := c.Write(make([]byte, 1<<20)); err != nil {
						failed <- err
						return
					}
				}
			}()
			runtime.Gosched()
			require.NoError(t, c.Close())
			require.ErrorIs(t, <-failed, net.ErrClosed)
		},
		"after close": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			require.NoError(t, c.Close())
			for call, f := range map[string]func() error{
				"Read":             func() error { _, err := c.Read(make([]byte, 1)); return err },
				"Read nothing":     func() error { _, err := c.Read(nil); return err },
				"Write":            func() error { _, err := c.Write([]byte("x")); return err },
				"Write nothing":    func() error { _, err := c.Write(nil); return err },
				"Close":            c.Close,
				"CloseRead":        c.CloseRead,
				"CloseWrite":       c.CloseWrite,
				"SetDeadline":      func() error { return c.SetDeadline(past) },
				"SetReadDeadline":  func() error { return c.SetReadDeadline(past) },
				"SetWriteDeadline": func() error { return c.SetWriteDeadline(past) },
				"SetNoDelay":       func() error { return c.SetNoDelay(true) },
				"SetLinger":        func() error { return c.SetLinger(0) },
				"SetKeepAlive":     func() error { return c.SetKeepAlive(true) },
			} {
				require.ErrorIs(t, f(), net.ErrClosed, call)
			}
			require.NotEmpty(t, c.LocalAddr().String())
			require.NotEmpty(t, c.RemoteAddr().String())
		},
		"nothing to write, nothing to read": func(t *testing.T, n network) {
			c, s := n.pair(t)
			for _, p := range [][]byte{nil, {}} {
				k, err := c.Write(p)
				require.NoError(t, err)
				require.Zero(t, k)
				k, err = c.Read(p)
				require.NoError(t, err)
				require.Zero(t, k)
			}
			_, err := c.Write([]byte("x"))
			require.NoError(t, err)
			k, err := s.Read(make([]byte, 10))
			require.NoError(t, err)
			require.Equal(t, 1, k, "an empty write is not a message")
		},
		"accept after close": func(t *testing.T, n network) {
			ln := n.listen(t)
			failed := make(chan error)
			for range 3 {
				go func() { _, err := ln.Accept(); failed <- err }()
			}
			runtime.Gosched()
			require.NoError(t, ln.Close())
			for range 3 {
				err := <-failed
				require.ErrorIs(t, err, net.ErrClosed)
				requireOp(t, err, "accept")
			}
			_, err := ln.Accept()
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, ln.Close(), net.ErrClosed)
			_, err = n.dial(t.Context(), ln.Addr().String())
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		},
		"accept with a deadline": func(t *testing.T, n network) {
			ln := n.listen(t)
			defer ln.Close()
			d := ln.(interface{ SetDeadline(time.Time) error })
			require.NoError(t, d.SetDeadline(time.Now().Add(soon)))
			_, err := ln.Accept()
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.NoError(t, d.SetDeadline(time.Time{}))
			go n.dial(t.Context(), ln.Addr().String())
			c, err := ln.Accept()
			require.NoError(t, err)
			require.NoError(t, c.Close())
		},
		"who listens goes, who was accepted stays": func(t *testing.T, n network) {
			c, s := n.pair(t) // its listener is closed
			_, err := c.Write([]byte("x"))
			require.NoError(t, err)
			_, err = s.Read(make([]byte, 1))
			require.NoError(t, err)
		},
		"the addresses agree": func(t *testing.T, n network) {
			c, s := n.pair(t)
			require.Equal(t, c.LocalAddr().String(), s.RemoteAddr().String())
			require.Equal(t, c.RemoteAddr().String(), s.LocalAddr().String())
			require.IsType(t, &net.TCPAddr{}, c.LocalAddr())
			require.Equal(t, "tcp", c.LocalAddr().Network())
		},
		"ReadFrom and WriteTo": func(t *testing.T, n network) {
			c, s := n.pair(t)
			sent := make([]byte, 3<<20)
			for i := range sent {
				sent[i] = byte(i * 7 / 3)
			}
			go func() {
				r, w := io.Pipe()
				go func() { w.Write(sent); w.Close() }()
				c.ReadFrom(r)
				c.CloseWrite()
			}()
			var got writeCollector
			k, err := s.WriteTo(&got)
			require.NoError(t, err)
			require.EqualValues(t, len(sent), k)
			require.Equal(t, sent, got.b)
		},
		"options": func(t *testing.T, n network) {
			c, _ := n.pair(t)
			require.NoError(t, c.SetNoDelay(false))
			require.NoError(t, c.SetKeepAlive(true))
			require.NoError(t, c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: time.Second, Count: 3}))
			require.NoError(t, c.SetReadBuffer(64<<10))
			require.NoError(t, c.SetWriteBuffer(64<<10))
			require.NoError(t, c.SetLinger(5))
		},
	}
	for _, n := range networks(t) {
		t.Run(n.name, func(t *testing.T) {
			for name, story := range stories {
				t.Run(name, func(t *testing.T) { story(t, n) })
			}
		})
	}
}

// untilBroken writes until a Write fails: the reset has come.
func untilBroken(t *testing.T, c net.Conn) {
	t.Helper()
	for {
		if _, err := c.Write([]byte("x")); err != nil {
			require.True(t, errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET), "%v", err)
			return
		}
		runtime.Gosched()
	}
}

type writeCollector struct{ b []byte }

func (w *writeCollector) Write(p []byte) (int, error) { w.b = append(w.b, p...); return len(p), nil }

func requireOp(t *testing.T, err error, op string) {
	t.Helper()
	var o *net.OpError
	require.ErrorAs(t, err, &o)
	require.Equal(t, op, o.Op)
	require.Equal(t, "tcp", o.Net)
}

func requireTimeout(t *testing.T, err error) {
	t.Helper()
	var n net.Error
	require.ErrorAs(t, err, &n)
	require.True(t, n.Timeout())
}

func serverOf(ln net.Listener) *stack.Host { return tcp.HostOf(ln.(*tcp.Listener)) }

// The standard library's own idea of a net.Conn.
func TestNettest(t *testing.T) {
	for _, addr := range []string{"10.0.0.2:0", "[fd00::2]:0"} {
		t.Run(addr, func(t *testing.T) {
			client, server, _ := hosts(t, link.WireConfig{})
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				ln, err := tcp.Listen(server, "tcp", addr)
				if err != nil {
					return nil, nil, nil, err
				}
				defer ln.Close()
				var wg sync.WaitGroup
				wg.Go(func() { c2, _ = ln.Accept() })
				c1, err = (&tcp.Dialer{Host: client}).Dial("tcp", ln.Addr().String())
				wg.Wait()
				return c1, c2, func() { c1.Close(); c2.Close() }, err
			})
		})
	}
}
