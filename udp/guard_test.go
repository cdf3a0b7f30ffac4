package udp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"strata/stack"
)

// A flood of empty datagrams that nobody reads stays bounded, and goes away
// when it is read. On the loopback a datagram has arrived when Write returns.
func TestFloodOfEmptyDatagrams(t *testing.T) {
	h := stack.New(stack.Config{})
	defer func() { require.NoError(t, h.Close()) }()
	c, err := Listen(h, "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer c.Close()
	d, err := (&Dialer{Host: h}).Dial("udp4", c.LocalAddr().String())
	require.NoError(t, err)
	defer d.Close()
	send := func(payload string) {
		t.Helper()
		_, err := d.Write([]byte(payload))
		require.NoError(t, err)
	}
	for range 3 * maxEmpty {
		send("")
	}
	require.EqualValues(t, maxEmpty, c.guard.waiting(), "the rest was dropped")
	require.NoError(t, c.SetReadBuffer(100_000)) // takes effect later
	send("dropped as well")

	buf := make([]byte, 100)
	for range maxEmpty {
		n, err := c.Read(buf)
		require.NoError(t, err)
		require.Zero(t, n)
	}
	require.Zero(t, c.guard.waiting())
	require.EqualValues(t, 100_000, c.ep.SocketOptions().GetReceiveBufferSize())
	send("the first that is kept")
	n, err := c.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "the first that is kept", string(buf[:n]))
}

// What cannot be a buffer's size becomes the nearest that can.
func TestBufferLimits(t *testing.T) {
	h := stack.New(stack.Config{})
	defer func() { require.NoError(t, h.Close()) }()
	c, err := (&ListenConfig{Host: h, ReadBuffer: 1 << 40, WriteBuffer: 10_000}).ListenPacket(t.Context(), "udp", ":0")
	require.NoError(t, err)
	defer c.Close()
	options := c.ep.SocketOptions()
	require.EqualValues(t, 4<<20, options.GetReceiveBufferSize())
	require.EqualValues(t, 10_000, options.GetSendBufferSize())
	require.NoError(t, c.SetReadBuffer(-1))
	require.NoError(t, c.SetWriteBuffer(-1))
	require.EqualValues(t, 4<<10, options.GetReceiveBufferSize())
	require.EqualValues(t, 4<<10, options.GetSendBufferSize())
}
