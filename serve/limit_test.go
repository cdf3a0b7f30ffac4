package serve

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// So many connections and no more; who closes makes room.
func TestConnectionsAreLimited(t *testing.T) {
	wire := link.NewWire(link.WireConfig{})
	defer wire.Close()
	server, client := stack.New(stack.Config{Name: "server"}), stack.New(stack.Config{Name: "client"})
	defer server.Close()
	defer client.Close()
	_, err := server.Attach(wire.A(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(t, err)
	_, err = client.Attach(wire.B(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(t, err)
	limited := tcp.ListenConfig{Host: server, Admit: upTo(2, server)}
	ln, err := limited.Listen(context.Background(), "tcp", ":80")
	require.NoError(t, err)
	defer ln.Close()
	dial := func() (net.Conn, error) {
		return (&tcp.Dialer{Host: client}).DialContext(t.Context(), "tcp", "10.0.0.2:80")
	}
	var theirs []net.Conn
	for range 2 {
		c, err := dial()
		require.NoError(t, err)
		defer c.Close()
		ours, err := ln.Accept() // it is established on our side too
		require.NoError(t, err)
		theirs = append(theirs, ours)
	}
	_, err = dial()
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	require.NoError(t, theirs[0].Close())
	require.Eventually(t, func() bool {
		c, err := dial()
		if err == nil {
			c.Close()
		}
		return err == nil
	}, time.Minute, time.Millisecond)
}
