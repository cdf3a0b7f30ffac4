package ws_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// writes notes what is written to a connection, write by write, and hides that it
// is a socket of the kernel's.
type writes struct {
	net.Conn
	mu  sync.Mutex
	all [][]byte
	err error // of the next write
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	w.all = append(w.all, bytes.Clone(p))
	return w.Conn.Write(p)
}

func (w *writes) taken() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

// upgrading is a server's connection on which a handshake waits, and the client
// that it is from.
func upgrading(t *testing.T) (*writes, func() (*ws.Conn, error)) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	type dialled struct {
		c   *ws.Conn
		err error
	}
	client := make(chan dialled, 1)
	ctx := t.Context()
	go func() {
		c, _, err := ws.Dial(ctx, "ws://server/", &ws.DialOptions{DialContext: func(context.Context, string, string) (net.Conn, error) { return far, nil }})
		client <- dialled{c, err}
	}()
	return &writes{Conn: near}, func() (*ws.Conn, error) { d := <-client; return d.c, d.err }
}

// What a server says first leaves with the response, in one write, and after that
// the connection is like any other.
func TestGreet(t *testing.T) {
	conn, client := upgrading(t)
	var greeted *ws.Conn
	s, err := ws.Upgrade(conn, &ws.UpgradeOptions{AcceptOptions: ws.AcceptOptions{Greet: func(c *ws.Conn) {
		greeted = c
		require.Empty(t, conn.taken(), "the response has not left")
		require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("welcome")))
		require.NoError(t, c.Write(t.Context(), ws.MessageBinary, []byte{1, 2, 3}))
	}}})
	require.NoError(t, err)
	defer s.CloseNow()
	require.Same(t, greeted, s)
	require.Len(t, conn.taken(), 1)
	first := conn.taken()[0]
	require.True(t, bytes.HasPrefix(first, []byte("HTTP/1.1 101 ")), "%q", first)
	require.True(t, bytes.HasSuffix(first, []byte("\r\n\r\n\x81\x07welcome\x82\x03\x01\x02\x03")), "%q", first)

	c, err := client()
	require.NoError(t, err)
	defer c.CloseNow()
	typ, p, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, ws.MessageText, typ)
	require.Equal(t, "welcome", string(p))
	typ, p, err = c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, ws.MessageBinary, typ)
	require.Equal(t, []byte{1, 2, 3}, p)

	go s.Write(t.Context(), ws.MessageText, []byte("later"))
	_, p, err = c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "later", string(p))
	require.Len(t, conn.taken(), 2)
}

// A server that greets with more than fits beside the response, or has headers that
// are larger than what is held, says it all the same.
func TestGreetIsLarge(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 200<<10)
	for name, header := range map[string]int{"message": 10, "headers": 100 << 10} {
		t.Run(name, func(t *testing.T) {
			conn, client := upgrading(t)
			go func() {
				s, err := ws.Upgrade(conn, &ws.UpgradeOptions{
					Check: func(_ *http.Request, h http.Header) int {
						h.Set("X-Large", strings.Repeat("h", header))
						return 0
					},
					AcceptOptions: ws.AcceptOptions{Greet: func(c *ws.Conn) {
						_ = c.Write(t.Context(), ws.MessageText, []byte("welcome"))
						_ = c.Write(t.Context(), ws.MessageText, large)
					}},
				})
				if err == nil {
					defer s.CloseNow()
					_, _, _ = s.Read(t.Context()) // until the client has gone
				}
			}()
			c, err := client()
			if header > 64<<10 {
				require.ErrorContains(t, err, "is larger than 65536 bytes", "the client has a bound too")
				require.True(t, bytes.HasSuffix(conn.taken()[0], []byte("h\r\n\r\n")), "the response left by itself")
				return
			}
			require.NoError(t, err)
			defer c.CloseNow()
			c.SetReadLimit(-1)
			_, p, err := c.Read(t.Context())
			require.NoError(t, err)
			require.Equal(t, "welcome", string(p))
			_, p, err = c.Read(t.Context())
			require.NoError(t, err)
			require.True(t, bytes.Equal(large, p))
		})
	}
}

// Where the response cannot be written, Accept says so, also for the greeting.
func TestGreetFails(t *testing.T) {
	conn, client := upgrading(t)
	broken := errors.New("the cable is cut")
	s, err := ws.Upgrade(conn, &ws.UpgradeOptions{AcceptOptions: ws.AcceptOptions{Greet: func(c *ws.Conn) {
		conn.err = broken
		require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("held")))
	}}})
	require.ErrorIs(t, err, broken)
	require.Nil(t, s)
	_, err = client()
	require.Error(t, err)
}

// Who panics while greeting has no connection that could be closed: it ends, also
// one that net/http has given away, and would not close.
func TestGreetPanics(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = ws.Accept(w, r, &ws.AcceptOptions{Greet: func(c *ws.Conn) {
			_ = c.Write(r.Context(), ws.MessageText, []byte("welcome"))
			panic(http.ErrAbortHandler) // which is not logged
		}})
	})
	hs := httptest.NewServer(h)
	defer hs.Close()
	url, transport, _ := http2Server(t, false, h)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, _, err := ws.Dial(ctx, hs.URL, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	c, _, err := ws.Dial(ctx, url, &ws.DialOptions{HTTP2: transport})
	if err == nil { // the response left before
		defer c.CloseNow()
		_, _, err = c.Read(ctx)
	}
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "the client waits for nobody")
}

// Over HTTP/2 the response is a frame of its own; the greeting is the first that
// the client reads.
func TestGreetOverHTTP2(t *testing.T) {
	h, errs := echoing(&ws.AcceptOptions{Greet: func(c *ws.Conn) {
		_ = c.Write(context.Background(), ws.MessageText, []byte("welcome"))
	}})
	url, transport, _ := http2Server(t, false, h)
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	defer c.CloseNow()
	_, p, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "welcome", string(p))
	require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
	require.Error(t, <-errs)
}
