package ws

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// A batch that is tried leaves in one write.
func TestTryBatchIsOneWrite(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	counting := countWrites(c)
	c.TryBatch(func() {
		for _, s := range []string{"a", "b", "c"} {
			ok, err := c.TryWrite(MessageText, []byte(s))
			require.NoError(t, err)
			require.True(t, ok)
		}
	})
	for _, s := range []string{"a", "b", "c"} {
		require.Equal(t, text(s), p.receive(t))
	}
	require.Equal(t, 1, counting.count())
	c.CloseNow()
}

// A peer does not read. Batches are taken until the socket is full, without
// waiting; then TryWrite refuses, and Write waits behind the rest of what was
// taken. When the peer reads, it gets all of it, once and in order.
func TestTryBatchToPeerThatDoesNotRead(t *testing.T) {
	a, b := tcpPair(t)
	server, client := newConn(a, connConfig{}), newConn(b, connConfig{client: true, rand: zeroes{}})
	const size = 1500
	taken, full := uint32(0), false
	for !full {
		server.TryBatch(func() {
			for range 10 {
				p := make([]byte, size)
				binary.BigEndian.PutUint32(p, taken)
				ok, err := server.TryWrite(MessageBinary, p)
				require.NoError(t, err)
				if full = !ok; full {
					return
				}
				taken++
			}
		})
	}
	written := make(chan error, 1)
	go func() { written <- server.Write(context.Background(), MessageText, []byte("last")) }()
	for i := range taken {
		_, p, err := client.Read(t.Context())
		require.NoError(t, err)
		require.Len(t, p, size)
		require.Equal(t, i, binary.BigEndian.Uint32(p))
	}
	_, p, err := client.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "last", string(p))
	require.NoError(t, <-written)
	client.CloseNow()
	server.CloseNow()
	server.TryBatch(func() {
		ok, _ := server.TryWrite(MessageText, []byte("too late"))
		require.False(t, ok)
	})
}

// A TryBatch without messages leaves nothing in the way of the next TryWrite.
func TestEmptyTryBatch(t *testing.T) {
	a, b := tcpPair(t)
	c := newConn(a, connConfig{})
	go io.Copy(io.Discard, b)
	refused := 0
	for range 1000 {
		c.TryBatch(func() {})
		if ok, err := c.TryWrite(MessageText, []byte("x")); err == nil && !ok {
			refused++
		}
	}
	require.Zero(t, refused, "a goroutine had the gate, for nothing")
	c.CloseNow()
}
