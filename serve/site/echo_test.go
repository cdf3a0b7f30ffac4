package site

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// patience bounds waits for what is certain to come.
const patience = time.Minute

// echoServer serves e, and gives a function that connects to it.
func echoServer(t *testing.T, e *echo) (dial func() *ws.Conn) {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { e.close(t.Context()) }) // ended: nobody is waited for
	return func() *ws.Conn {
		c, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), &ws.DialOptions{ReadLimit: -1})
		require.NoError(t, err)
		t.Cleanup(func() { c.CloseNow() })
		return c
	}
}

// requireEcho sends and gets back.
func requireEcho(t *testing.T, c *ws.Conn, p []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	wrote := make(chan error, 1)
	go func() { wrote <- c.Write(ctx, ws.MessageBinary, p) }()
	typ, got, err := c.Read(ctx)
	require.NoError(t, err)
	require.NoError(t, <-wrote)
	require.Equal(t, ws.MessageBinary, typ)
	require.True(t, bytes.Equal(p, got), "%d bytes came back of %d", len(got), len(p))
}

// requireClosed reads until the server has closed with this code.
func requireClosed(t *testing.T, c *ws.Conn, code ws.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, _, err := c.Read(ctx)
	require.Equal(t, code, ws.CloseStatus(err), "%v", err)
}

// Every size comes back up to the limit; one byte more is refused as the RFC has
// it. What was taken of the memory is given back.
func TestEchoSizes(t *testing.T) {
	e := newEcho(Config{})
	dial := echoServer(t, e)
	c := dial()
	for _, size := range []int{0, 1, smallMessage - 1, smallMessage, smallMessage + 1, 1 << 20, maxEcho} {
		requireEcho(t, c, bytes.Repeat([]byte{'x'}, size))
	}
	go c.Write(t.Context(), ws.MessageBinary, make([]byte, maxEcho+1))
	requireClosed(t, c, ws.StatusMessageTooBig)
	e.requireAllGiven(t)
}

// requireAllGiven waits until no client has memory, for handlers that are about
// to return.
func (e *echo) requireAllGiven(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return e.memory.left.Load() == echoMemory }, patience, time.Millisecond)
}

// Clients that keep large messages unfinished can take so much together and no
// more: who comes too late is told to try again, and who came earlier, and small
// messages, are served.
func TestEchoMemoryIsBounded(t *testing.T) {
	e := newEcho(Config{})
	e.memory.take(echoMemory - 4<<20) // by others
	dial := echoServer(t, e)
	first := dial()
	half := bytes.Repeat([]byte{'x'}, 3<<19) // 1.5 MiB, in a buffer of 2
	w, err := first.Writer(t.Context(), ws.MessageBinary)
	require.NoError(t, err)
	_, err = w.Write(half)
	require.NoError(t, err)
	// The pong says that what was before the ping has been read. It comes to
	// whoever reads.
	answer := make(chan []byte, 1)
	go func() {
		_, p, _ := first.Read(t.Context())
		answer <- p
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, first.Ping(ctx))

	second := dial()
	go second.Write(t.Context(), ws.MessageBinary, make([]byte, 3<<20))
	requireClosed(t, second, ws.StatusTryAgainLater)
	requireEcho(t, dial(), make([]byte, 100<<10))

	require.NoError(t, w.Close())
	require.Equal(t, len(half), len(<-answer))
	e.memory.give(echoMemory - 4<<20)
	first.CloseNow()
	e.requireAllGiven(t)
}

// A message that is begun has to be finished; who has begun none may stay as
// long as it likes.
func TestEchoMessageHasATimeLimit(t *testing.T) {
	e := newEcho(Config{})
	e.timeout = 10 * time.Millisecond
	dial := echoServer(t, e)
	idle, slow := dial(), dial()
	w, err := slow.Writer(t.Context(), ws.MessageText)
	require.NoError(t, err)
	_, err = io.WriteString(w, strings.Repeat("x", 1<<20)) // more than a writer keeps back
	require.NoError(t, err)
	requireClosed(t, slow, ws.StatusPolicyViolation)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go idle.Read(ctx)
	require.NoError(t, idle.Ping(ctx), "it is still there")
}
