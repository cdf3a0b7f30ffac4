package tcp_test

import (
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// A host that closes resets its connections, and its peers are told, whatever
// the wire between them is like. They do not find it out by a timeout.
func TestHostCloseResetsItsPeers(t *testing.T) {
	for _, wire := range []link.WireConfig{
		{}, {NoOffload: true}, {Ethernet: true},
		{AB: link.MustParseShape("delay 5ms"), BA: link.MustParseShape("delay 5ms rate 10mbit")},
	} {
		client, server, _ := hosts(t, wire)
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
	}
}

// A host that is closed says so to whoever calls, and to whoever waits: as what
// is closed does everywhere in the standard library.
func TestClosedHostSaysThatItIs(t *testing.T) {
	_, h, _ := hosts(t, link.WireConfig{})
	ln, err := tcp.Listen(h, "tcp", ":80")
	require.NoError(t, err)
	served := make(chan error)
	web, err := tcp.Listen(h, "tcp", ":81")
	require.NoError(t, err)
	go func() { served <- http.Serve(web, nil) }()
	accepted, dialled := make(chan error), make(chan error)
	go func() { _, err := ln.Accept(); accepted <- err }()
	// Nobody is at this address: the SYN waits for somebody to answer.
	waiting := make(chan struct{}, 10)
	h.Inspect(func(trace.Direction, *gstack.PacketBuffer, *link.View) bool { waiting <- struct{}{}; return true })
	go func() { _, err := (&tcp.Dialer{Host: h}).Dial("tcp", "10.0.0.77:1"); dialled <- err }()
	<-waiting

	require.NoError(t, h.Close())
	for op, waited := range map[string]chan error{"accept": accepted, "dial": dialled} {
		err := <-waited
		requireClosed(t, err, op)
	}
	require.ErrorIs(t, <-served, net.ErrClosed, "it ends, and does not try for ever")

	_, err = ln.Accept()
	requireClosed(t, err, "accept")
	_, err = tcp.Listen(h, "tcp", ":82")
	requireClosed(t, err, "listen")
	for _, to := range []string{"10.0.0.1:80", "127.0.0.1:80", ":80", "203.0.113.1:80"} {
		_, err = (&tcp.Dialer{Host: h}).Dial("tcp", to)
		requireClosed(t, err, "dial")
	}
	_, err = h.Ping(t.Context(), netip.MustParseAddr("10.0.0.1"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, ln.Close(), "it was not closed itself")
}

func requireClosed(t *testing.T, err error, op string) {
	t.Helper()
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, err, stack.ErrClosed)
	require.ErrorContains(t, err, "host is closed")
	requireOp(t, err, op)
}
