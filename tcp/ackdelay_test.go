package tcp_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// slowAcks is a connection whose server's acknowledgements wait, and how many of
// them came without data.
func slowAcks(t *testing.T, wire link.WireConfig, delay time.Duration) (c, s *tcp.Conn, acks *atomic.Int64) {
	w := link.NewWire(wire)
	client, server := stack.New(stack.Config{Name: "client"}), stack.New(stack.Config{Name: "server", AckDelay: delay})
	_, err := client.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(t, err)
	_, err = server.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.NoError(t, w.Close())
	})
	ln, err := (&tcp.ListenConfig{Host: server}).Listen(context.Background(), "tcp", "10.0.0.2:80")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	c, s = connect(t, client, ln)
	acks = new(atomic.Int64)
	client.Inspect(func(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
		if dir == trace.In && v.TCP.Flags() == header.TCPFlagAck && v.PayloadLen == 0 {
			acks.Add(1)
		}
		return true
	})
	return c, s, acks
}

// never is longer than any test: what waits for so long has to leave for another
// reason.
const never = 24 * time.Hour

// The answers acknowledge what they answer, and nothing else does.
func TestAckTravelsWithTheAnswer(t *testing.T) {
	c, s, acks := slowAcks(t, link.WireConfig{}, never)
	b := make([]byte, 100)
	for range 50 {
		_, err := c.Write(b)
		require.NoError(t, err)
		_, err = io.ReadFull(s, b)
		require.NoError(t, err)
		_, err = s.Write(b)
		require.NoError(t, err)
		_, err = io.ReadFull(c, b)
		require.NoError(t, err)
	}
	require.Zero(t, acks.Load())
}

// Of segments that nobody answers each second is acknowledged at once.
func TestSecondAckGoesAtOnce(t *testing.T) {
	c, s, acks := slowAcks(t, link.WireConfig{}, never)
	b := make([]byte, 100)
	for i := range int64(50) {
		_, err := c.Write(b)
		require.NoError(t, err)
		_, err = io.ReadFull(s, b)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return acks.Load() == (i+1)/2 }, 10*time.Second, 100*time.Microsecond, "of %d segments", i+1)
	}
}

// What neither an answer nor a second segment takes along leaves when its time has
// come.
func TestAckLeavesAlone(t *testing.T) {
	c, s, acks := slowAcks(t, link.WireConfig{}, time.Millisecond)
	b := make([]byte, 100)
	for i := range int64(5) {
		_, err := c.Write(b)
		require.NoError(t, err)
		_, err = io.ReadFull(s, b)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return acks.Load() == i+1 }, 10*time.Second, 100*time.Microsecond)
	}
}

// Bulk never waits, nor does the end; losses are found and mended as without
// delay, though an acknowledgement that waited would wait for ever.
func TestBulkDoesNotWaitForAcks(t *testing.T) {
	for _, wire := range []link.WireConfig{
		{},
		{NoSuperPackets: true},
		{NoOffload: true, MTU: 600},
		{Seed: 1, AB: link.MustParseShape("delay 1ms loss 2%"), BA: link.MustParseShape("delay 1ms loss 2%")},
	} {
		t.Run(wire.AB.String(), func(t *testing.T) {
			c, s, _ := slowAcks(t, wire, never)
			sent := make([]byte, 2<<20)
			rand.Read(sent)
			failed := make(chan error, 1)
			go func() {
				_, err := c.Write(sent)
				if err == nil {
					err = c.CloseWrite()
				}
				failed <- err
			}()
			got, err := io.ReadAll(s)
			require.NoError(t, err)
			require.NoError(t, <-failed)
			require.Equal(t, sent, got)
		})
	}
}
