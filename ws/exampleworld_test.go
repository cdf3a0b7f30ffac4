package ws_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/ws"
)

// A test of a WebSocket program over a world: hosts, a wire that is bad for a
// while, and virtual time. The phone loses its connection in a tunnel; the
// server's keepalive finds out, within what it promises. No second of it passes
// outside.
func TestExampleOverAWorld(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 40ms rate 20mbit"))

		var why error
		var lasted time.Duration
		srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(rw, r, &ws.AcceptOptions{
				KeepAlive: ws.KeepAlive{Interval: 30 * time.Second, Timeout: 10 * time.Second},
			})
			if err != nil {
				return
			}
			defer c.CloseNow()
			for {
				typ, p, err := c.Read(context.Background())
				if err != nil {
					why, lasted = err, w.Elapsed()
					return
				}
				if err := c.Write(context.Background(), typ, p); err != nil {
					return
				}
			}
		})}
		go srv.Serve(server.Listen(":80"))
		w.OnClose(func() { srv.Close() })

		c, _, err := ws.Dial(w.Context(), "ws://server/", &ws.DialOptions{DialContext: phone.DialContext})
		require.NoError(t, err)
		w.OnClose(func() { c.CloseNow() })
		require.NoError(t, c.Write(w.Context(), ws.MessageText, []byte("going in")))
		_, p, err := c.Read(w.Context())
		require.NoError(t, err)
		require.Equal(t, "going in", string(p))

		tunnel := w.Elapsed()
		w.Partition(phone)
		w.Within(2*time.Minute, func() bool { return why != nil })
		require.ErrorIs(t, why, os.ErrDeadlineExceeded)
		require.GreaterOrEqual(t, lasted-tunnel, 40*time.Second, "silent for 30 s, then without a sign of life for 10 s more")
		require.LessOrEqual(t, lasted-tunnel, 70*time.Second, "the 30 s begin when the 30 s before are over")
	})
}
