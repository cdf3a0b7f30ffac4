package netnstests

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/fleet"
	"strata/tcp"
	"strata/tun"
	"strata/tun/netconf"
	"strata/ws"
)

// Five hundred WebSocket clients on kernel sockets, each of which has a message
// echoed by a server in event mode every second: none is lost, and nobody needs a
// goroutine for a connection. Ten thousand for a minute, with what they take:
// go run ./bench -only clients.
func TestFleet(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	const clients, rounds = 500, 3
	s := besiege(t, tun.Auto)
	ln, err := tcp.Listen(s.host, "tcp", ":8080")
	require.NoError(t, err)
	defer ln.Close()
	echo := &ws.Handler{OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) { c.Write(context.Background(), typ, p) }}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				if c, err := ws.Upgrade(conn, nil); err == nil {
					c.Handle(echo)
				}
			}()
		}
	}()
	before := runtime.NumGoroutine()
	r, err := fleet.Run(t.Context(), fleet.Config{
		URL: "ws://10.77.0.2:8080/", Clients: clients, Every: time.Second, Rounds: rounds,
		Opened: func() {
			require.Eventually(t, func() bool { return runtime.NumGoroutine() < before+50 }, patience, time.Millisecond, "goroutines of the handshakes end")
		},
		DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
			err = netconf.InNamespace(s.ns.name, func() error {
				c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
				return err
			})
			return c, err
		},
	})
	require.NoError(t, err)
	require.Equal(t, clients*rounds, r.Echoes)
	t.Logf("%d echoes, median %v, latest %v", r.Echoes, r.Median, r.Latest)
}
