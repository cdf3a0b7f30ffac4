package ws

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Those who wait for a gate get it in the order they came; those who gave up in
// the meantime, at the front, inside and at the end of the queue, are passed over.
func TestGate(t *testing.T) {
	a, _ := net.Pipe()
	c := newConn(a, connConfig{})
	defer c.CloseNow()
	var g gate
	require.True(t, g.lock(t.Context(), c))
	waits := make([]*gateWaiter, 6)
	for i := range waits {
		waits[i] = g.wait()
		require.NotNil(t, waits[i])
	}
	for _, gone := range []int{0, 3, 5} {
		require.True(t, g.giveUp(waits[gone]))
		require.False(t, g.giveUp(waits[gone]), "it is not there any more")
	}
	for i, next := range []int{1, 2, 4} {
		g.unlock()
		<-waits[next].mine
		require.False(t, g.giveUp(waits[next]), "it has the gate")
		for _, later := range []int{1, 2, 4}[i+1:] {
			require.Empty(t, waits[later].mine)
		}
	}
	g.unlock()
	require.True(t, g.tryLock(), "nobody waits any more")
	require.Nil(t, g.last)

	// A context that is done has no gate, and who waits hears of its end and of
	// the connection's.
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan bool, 2)
	go func() { waited <- g.lock(ctx, c) }()
	cancel()
	require.False(t, <-waited)
	require.False(t, g.lock(ctx, c))
	go func() { waited <- g.lock(context.Background(), c) }()
	c.CloseNow()
	require.False(t, <-waited)
}
