//go:build unix

package ws

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A write to a socket that is full waits, and for no longer than its timeout, as
// one to any other connection; the deadline that it had is not the next one's.
func TestWriteToAFullSocket(t *testing.T) {
	for _, client := range []bool{false, true} {
		a, b := tcpPair(t)
		require.NoError(t, a.(*net.TCPConn).SetWriteBuffer(64<<10))
		c := newConn(a, connConfig{client: client, rand: zeroes{}, writeTimeout: 100 * time.Millisecond})
		require.NotNil(t, c.kernel)
		var err error
		for start := time.Now(); err == nil; start = time.Now() {
			if err = c.Write(t.Context(), MessageBinary, make([]byte, 300<<10)); err != nil {
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.ErrorContains(t, err, "does not read")
				require.GreaterOrEqual(t, time.Since(start), 100*time.Millisecond)
			}
		}
		b.Close()
	}
}

// Messages that have to wait for room arrive whole, in order and with what was
// written after them, on both sides; a deadline that served for one of them stops
// none that comes later.
func TestWriteWaitsForRoom(t *testing.T) {
	for _, client := range []bool{false, true} {
		a, b := tcpPair(t)
		require.NoError(t, a.(*net.TCPConn).SetWriteBuffer(16<<10))
		const timeout = 2 * time.Second
		writer := newConn(a, connConfig{client: client, rand: zeroes{}, writeTimeout: timeout})
		reader := newConn(b, connConfig{client: !client, rand: zeroes{}, readLimit: 4 << 20})
		sizes := []int{1, 3 << 20, 100, 70 << 10, 1 << 20, 5}
		done := make(chan error, 1)
		go func() {
			for i, n := range sizes {
				m := make([]byte, n)
				m[0], m[n-1] = byte(i), byte(i)
				if err := writer.Write(context.Background(), MessageBinary, m); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for i, n := range sizes {
			_, m, err := reader.Read(t.Context())
			require.NoError(t, err)
			require.Len(t, m, n)
			require.Equal(t, []byte{byte(i), byte(i)}, []byte{m[0], m[n-1]})
		}
		require.NoError(t, <-done)
		require.False(t, writer.writeBy().bounded.Load(), "no deadline stays")
		writer.CloseNow()
		reader.CloseNow()
	}
}

// A cancelled write of which nothing was sent leaves the connection good, also
// where the socket was full.
func TestCancelledWriteToAFullSocket(t *testing.T) {
	a, b := tcpPair(t)
	c := newConn(a, connConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	// What is written past the library fills the socket without beginning a frame.
	// It is full when its buffers neither grow nor have room for one byte more.
	require.NoError(t, a.(*net.TCPConn).SetWriteBuffer(64<<10))
	require.NoError(t, b.(*net.TCPConn).SetReadBuffer(64<<10))
	var filled int64
	for more := int64(-1); more != 0; filled += more {
		require.NoError(t, a.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		var err error
		more, err = io.Copy(a, zeroReader{})
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	require.NoError(t, a.SetWriteDeadline(never))
	failed := make(chan error, 1)
	go func() { failed <- c.Write(ctx, MessageBinary, make([]byte, 100)) }()
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	require.NoError(t, c.ended())

	go func() { failed <- c.Write(t.Context(), MessageText, []byte("after")) }()
	_, err := io.CopyN(io.Discard, b, filled)
	require.NoError(t, err)
	require.NoError(t, <-failed)
	got := make([]byte, 7)
	_, err = io.ReadFull(b, got)
	require.NoError(t, err)
	require.Equal(t, "\x81\x05after", string(got))
	c.CloseNow()
	b.Close()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { return len(p), nil }
