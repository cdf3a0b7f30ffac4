package fleet

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve has each message answered by what answer makes of it; nil says nothing.
func serve(t *testing.T, answer func(n int, p []byte) []byte) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c, err := ws.Upgrade(conn, nil)
			if err != nil {
				continue
			}
			n := 0
			c.Handle(&ws.Handler{OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) {
				if p = answer(n, p); p != nil {
					c.Write(context.Background(), typ, p)
				}
				n++
			}})
		}
	}()
	return "ws://" + ln.Addr().String() + "/"
}

// Every message of every client is counted when it is back.
func TestRun(t *testing.T) {
	opened := false
	r, err := Run(t.Context(), Config{
		URL:     serve(t, func(_ int, p []byte) []byte { return p }),
		Clients: 20, Every: 10 * time.Millisecond, Rounds: 5,
		Opened: func() { opened = true },
	})
	require.NoError(t, err)
	require.Equal(t, 100, r.Echoes)
	require.True(t, opened)
	require.Positive(t, r.Median)
	require.LessOrEqual(t, r.Median, r.P99)
	require.LessOrEqual(t, r.P99, r.Latest)
}

// A message that is missed is found out, by the next one or by its change, and so
// is a server that hangs up or is not there.
func TestRunMissesWhatDoesNotComeBack(t *testing.T) {
	for name, answer := range map[string]func(n int, p []byte) []byte{
		"swallowed": func(n int, p []byte) []byte {
			if n == 1 {
				return nil
			}
			return p
		},
		"another": func(n int, p []byte) []byte { return bytes.Repeat([]byte{7}, len(p)) },
		"cut off": func(n int, p []byte) []byte { return p[1:] },
	} {
		_, err := Run(t.Context(), Config{URL: serve(t, answer), Clients: 3, Every: time.Millisecond, Rounds: 4})
		require.ErrorContains(t, err, "what should have come back", name)
	}
	_, err := Run(t.Context(), Config{URL: "ws://127.0.0.1:1/", Clients: 3})
	require.ErrorContains(t, err, "client ")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, Config{URL: serve(t, func(_ int, p []byte) []byte { return p }), Clients: 3})
	require.ErrorIs(t, err, context.Canceled)
}
