package ws

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// A peer does not read. Messages are taken until its socket is full, and then
// refused at once instead of waited for; when it reads it gets each one that was
// taken, whole and in order, also the one of which the socket took a part.
func TestTryWriteToPeerThatDoesNotRead(t *testing.T) {
	for _, prepared := range []bool{false, true} {
		a, b := tcpPair(t)
		server, client := newConn(a, connConfig{}), newConn(b, connConfig{client: true, rand: zeroes{}})
		ctx := context.Background()
		const size = 1500 // the socket's buffer is no multiple of the frame
		taken := uint32(0)
		for {
			p := make([]byte, size)
			binary.BigEndian.PutUint32(p, taken)
			var ok bool
			var err error
			if prepared {
				m, prepareErr := NewPreparedMessage(MessageBinary, p)
				require.NoError(t, prepareErr)
				ok, err = server.TryWritePrepared(m)
			} else {
				ok, err = server.TryWrite(MessageBinary, p)
			}
			require.NoError(t, err)
			if !ok {
				break
			}
			taken++
		}
		require.NotZero(t, taken)
		written := make(chan error, 1)
		go func() { written <- server.Write(ctx, MessageText, []byte("last")) }() // behind what was taken
		for i := range taken {
			_, p, err := client.Read(ctx)
			require.NoError(t, err)
			require.Len(t, p, size)
			require.Equal(t, i, binary.BigEndian.Uint32(p))
		}
		_, p, err := client.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, "last", string(p))
		require.NoError(t, <-written)
		ok, err := server.TryWrite(MessageText, []byte("free again"))
		require.NoError(t, err)
		require.True(t, ok)
		client.CloseNow()
		server.CloseNow()
	}
}

// Who is in the middle of a message has the connection: nothing goes between its
// fragments. After the end nothing is taken either, and Write says why.
func TestTryWriteLeavesOthersAlone(t *testing.T) {
	a, b := tcpPair(t)
	server, client := newConn(a, connConfig{}), newConn(b, connConfig{client: true, rand: zeroes{}})
	ctx := context.Background()
	w, err := server.Writer(ctx, MessageText)
	require.NoError(t, err)
	ok, err := server.TryWrite(MessageText, []byte("between"))
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, w.Close())
	_, p, err := client.Read(ctx)
	require.NoError(t, err)
	require.Empty(t, p)
	// In a batch it is held with the others, and leaves with them.
	require.NoError(t, server.Batch(func() error {
		for _, text := range []string{"a", "b"} {
			ok, err := server.TryWrite(MessageText, []byte(text))
			require.NoError(t, err)
			require.True(t, ok)
		}
		return nil
	}))
	for _, text := range []string{"a", "b"} {
		_, p, err := client.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, text, string(p))
	}
	client.CloseNow()
	server.CloseNow()
	ok, err = server.TryWrite(MessageText, []byte("too late"))
	require.NoError(t, err)
	require.False(t, ok)
}
