package udp_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"
	"gvisor.dev/gvisor/pkg/tcpip"

	"strata/link"
	"strata/udp"
)

// stream makes of a dialled Conn what nettest wants to try: an empty datagram
// is the end. Where nothing is lost or overtaken, that is a stream.
type stream struct {
	*udp.Conn
	closing sync.Once
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, err
}

// Close may be called again once the peer has heard of the end, which is before it
// is done.
func (s *stream) Close() (err error) {
	s.closing.Do(func() {
		_, _ = s.Conn.Write(nil) // fails where the deadline has passed: then nobody waits for the end
		err = s.Conn.Close()
	})
	return err
}

// The standard library's own test of a net.Conn, with buffers so large that a
// test that writes for a tenth of a second as fast as it can loses nothing.
func TestConnOfNettest(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		const huge = 1 << 30
		client, server := pair(t, link.WireConfig{QueueBytes: huge})
		limits := tcpip.ReceiveBufferSizeOption{Min: 4 << 10, Default: huge, Max: huge}
		require.Nil(t, client.Stack().SetOption(limits))
		require.Nil(t, server.Stack().SetOption(limits))

		// Each end is dialled from the port that the other one dials.
		one, err := udp.Listen(client, "udp4", "10.0.0.1:0")
		require.NoError(t, err)
		two, err := udp.Listen(server, "udp4", "10.0.0.2:0")
		require.NoError(t, err)
		a, b := addrPortOf(one.LocalAddr()), addrPortOf(two.LocalAddr())
		require.NoError(t, one.Close())
		require.NoError(t, two.Close())
		d1, err := (&udp.Dialer{Host: client, LocalAddr: a}).Dial("udp4", b.String())
		require.NoError(t, err)
		d2, err := (&udp.Dialer{Host: server, LocalAddr: b}).Dial("udp4", a.String())
		require.NoError(t, err)
		c1, c2 := &stream{Conn: d1.(*udp.Conn)}, &stream{Conn: d2.(*udp.Conn)}
		return c1, c2, func() {
			c1.Close()
			c2.Close()
		}, nil
	})
}
