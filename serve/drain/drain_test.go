package drain_test

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/serve/drain"
	"strata/stack"
	"strata/tcp"
)

// Over a wire of 20 ms each way a FIN cannot be acknowledged before 40 ms. Who
// waits for that sees the peer end in order; the connection that a peer leaves
// half open is waited for as long as was said, and not longer.
func TestWait(t *testing.T) {
	wire := link.NewWire(link.WireConfig{AB: link.MustParseShape("delay 20ms"), BA: link.MustParseShape("delay 20ms")})
	defer wire.Close()
	server, client := stack.New(stack.Config{Name: "server"}), stack.New(stack.Config{Name: "client"})
	defer server.Close()
	defer client.Close()
	_, err := server.Attach(wire.A(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(t, err)
	_, err = client.Attach(wire.B(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(t, err)
	ln, err := tcp.Listen(server, "tcp", ":80")
	require.NoError(t, err)
	dial := func() (ours, theirs io.ReadWriteCloser) {
		theirs, err := (&tcp.Dialer{Host: client}).DialContext(context.Background(), "tcp", "10.0.0.1:80")
		require.NoError(t, err)
		ours, err = ln.Accept()
		require.NoError(t, err)
		return ours, theirs
	}

	ours, theirs := dial()
	start := time.Now() // the FIN may leave before Close returns
	require.NoError(t, ours.Close())
	go func() { // the peer closes when it is told
		_, _ = io.Copy(io.Discard, theirs)
		theirs.Close()
	}()
	drain.Wait(server, time.Minute)
	require.GreaterOrEqual(t, time.Since(start), 40*time.Millisecond)
	for _, i := range tcp.Netstat(server) {
		require.Contains(t, []string{"LISTEN", "TIME-WAIT", "FIN-WAIT2", "CLOSED"}, i.State)
	}

	_, theirs = dial() // nobody closes
	defer theirs.Close()
	start = time.Now()
	drain.Wait(server, 30*time.Millisecond)
	require.GreaterOrEqual(t, time.Since(start), 30*time.Millisecond)
}
