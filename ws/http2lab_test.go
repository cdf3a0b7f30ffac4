//lint:file-ignore SA1019 net/http's transport refuses the header :protocol, so this one is not replaced yet

package ws_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"strata/lab"
	"strata/link"
	"strata/ws"
)

// In virtual time, over a wire that loses packets: three WebSockets on one
// connection of HTTP/2. None of the messages is missing, and a Read whose context
// ends gives up at that instant and does no harm.
func TestHTTP2OverALossyWire(t *testing.T) {
	if !strings.Contains(os.Getenv("GODEBUG"), "http2xconnect=1") {
		t.Skip("needs GODEBUG=http2xconnect=1")
	}
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 40ms loss 5%"))
		h, errs := echoing(nil)
		srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
		srv.Protocols.SetUnencryptedHTTP2(true)
		go srv.Serve(server.Listen(":80"))
		w.OnClose(func() { srv.Close() })
		dials := 0
		transport := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			dials++
			return phone.DialContext(ctx, network, addr)
		}}
		w.OnClose(transport.CloseIdleConnections)

		var streams []*ws.Conn
		for range 3 {
			c, _, err := ws.Dial(w.Context(), "ws://server/", &ws.DialOptions{HTTP2: transport})
			require.NoError(t, err)
			streams = append(streams, c)
		}
		require.Equal(t, 1, dials)
		for i := range 30 {
			for j, c := range streams {
				require.NoError(t, c.Write(w.Context(), ws.MessageText, fmt.Append(nil, i, j)))
			}
		}
		for i := range 30 {
			for j, c := range streams {
				_, p, err := c.Read(w.Context())
				require.NoError(t, err)
				require.Equal(t, string(fmt.Append(nil, i, j)), string(p))
			}
		}
		require.NotZero(t, wire.AB().Counters().DroppedLoss+wire.BA().Counters().DroppedLoss)

		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		began := w.Now()
		_, _, err := streams[0].Read(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, w.Now().Sub(began))
		require.NoError(t, streams[0].Write(w.Context(), ws.MessageText, []byte("still here")))
		_, p, err := streams[0].Read(w.Context())
		require.NoError(t, err)
		require.Equal(t, "still here", string(p))
		for _, c := range streams {
			require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
			require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-errs))
		}
	})
}
