package udp_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/link"
	"strata/stack"
	"strata/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// socket is what *net.UDPConn and *udp.Conn have in common.
type socket interface {
	net.Conn
	net.PacketConn
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

var (
	_ socket = (*net.UDPConn)(nil)
	_ socket = (*udp.Conn)(nil)
)

// world is a place where the table of behaviours is tried: listen is done at
// the server, dial at the client.
type world struct {
	addr4, addr6 string // the server's
	listen       func(network, address string) (socket, error)
	dial         func(network, address string) (socket, error)
}

// everywhere runs the same body on a kernel's sockets, which are the oracle, on
// two hosts of ours joined by a wire, and on one host's loopback.
func everywhere(t *testing.T, body func(t *testing.T, w world)) {
	t.Helper()
	t.Run("kernel", func(t *testing.T) {
		body(t, world{
			addr4: "127.0.0.1", addr6: "::1",
			listen: func(network, address string) (socket, error) {
				c, err := (&net.ListenConfig{}).ListenPacket(t.Context(), network, address)
				if err != nil {
					return nil, err
				}
				return c.(*net.UDPConn), nil
			},
			dial: func(network, address string) (socket, error) {
				c, err := (&net.Dialer{}).DialContext(t.Context(), network, address)
				if err != nil {
					return nil, err
				}
				return c.(*net.UDPConn), nil
			},
		})
	})
	t.Run("wire", func(t *testing.T) {
		client, server := pair(t, link.WireConfig{})
		body(t, worldOf(t, client, server, "10.0.0.2", "fd00::2"))
	})
	t.Run("loopback", func(t *testing.T) {
		h := stack.New(stack.Config{})
		t.Cleanup(func() { require.NoError(t, h.Close()) })
		body(t, worldOf(t, h, h, "127.0.0.1", "::1"))
	})
}

func worldOf(t *testing.T, client, server *stack.Host, addr4, addr6 string) world {
	return world{
		addr4: addr4, addr6: addr6,
		listen: func(network, address string) (socket, error) {
			c, err := udp.Listen(server, network, address)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		dial: func(network, address string) (socket, error) {
			c, err := (&udp.Dialer{Host: client}).DialContext(t.Context(), network, address)
			if err != nil {
				return nil, err
			}
			return c.(*udp.Conn), nil
		},
	}
}

// pair is two hosts on a wire, closed with the test.
func pair(t testing.TB, wire link.WireConfig) (client, server *stack.Host) {
	t.Helper()
	w := link.NewWire(wire)
	client = stack.New(stack.Config{Name: "client"})
	server = stack.New(stack.Config{Name: "server"})
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.NoError(t, w.Close())
	})
	_, err := client.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fd00::1/64"))
	require.NoError(t, err)
	_, err = server.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24"), netip.MustParsePrefix("fd00::2/64"))
	require.NoError(t, err)
	return client, server
}

// mustListen listens until the test ends, and gives up a read after 10 s, so
// that a test that fails does not hang.
func (w world) mustListen(t *testing.T, network, address string) socket {
	t.Helper()
	c, err := w.listen(network, address)
	require.NoError(t, err)
	return guarded(t, c)
}

func (w world) mustDial(t *testing.T, network string, to net.Addr) socket {
	t.Helper()
	c, err := w.dial(network, to.String())
	require.NoError(t, err)
	return guarded(t, c)
}

func guarded(t *testing.T, c socket) socket {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	t.Cleanup(func() { c.Close() })
	return c
}

// families are the two networks with the server's address in each.
func (w world) families() map[string]string {
	return map[string]string{"udp4": net.JoinHostPort(w.addr4, "0"), "udp6": net.JoinHostPort(w.addr6, "0")}
}

func receive(t *testing.T, c socket) (string, netip.AddrPort) {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, from, err := c.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)
	return string(buf[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

func send(t *testing.T, c socket, payload string) {
	t.Helper()
	n, err := c.Write([]byte(payload))
	require.NoError(t, err)
	require.Equal(t, len(payload), n)
}

func addrPortOf(a net.Addr) netip.AddrPort {
	at := a.(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
