package tcp_test

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// A host that closes resets its connections, and its peers are told, whatever
// the wire between them is like. They do not find it out by a timeout.
func TestHostCloseResetsItsPeers(t *testing.T) {
	for _, wire := range []link.WireConfig{
		{}, {NoOffload: true}, {Ethernet: true},
		{AB: link.MustParseShape("delay 5ms"), BA: link.MustParseShape("delay 5ms rate 10mbit")},
	} {
		w := link.NewWire(wire)
		client, server := stack.New(stack.Config{}), stack.New(stack.Config{})
		_, err := client.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24"))
		require.NoError(t, err)
		_, err = server.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24"))
		require.NoError(t, err)
		ln, err := tcp.Listen(server, "tcp", "10.0.0.2:80")
		require.NoError(t, err)
		var conns []*tcp.Conn
		for range 20 {
			c, s := connect(t, client, ln)
			_, err := s.Write([]byte("x")) // both sides are established
			require.NoError(t, err)
			_, err = c.Read(make([]byte, 1))
			require.NoError(t, err)
			conns = append(conns, c)
		}
		require.NoError(t, server.Close())
		for _, c := range conns {
			require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, syscall.ECONNRESET, "%+v", wire)
		}
		require.NoError(t, client.Close())
		require.NoError(t, w.Close())
	}
}
