package udp_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"

	"strata/link"
	"strata/stack"
	"strata/udp"
)

// BenchmarkRoundTrip is a question and its answer, 64 bytes each, from one
// goroutine to another: between two hosts of ours on a wire, within one (its
// loopback), the same by gonet's connections, and by the kernel's loopback.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("wire", func(b *testing.B) {
		client, server := pair(b, link.WireConfig{})
		roundTrips(b, listen(b, server, "10.0.0.2:0"), dial(client))
	})
	b.Run("loopback", func(b *testing.B) {
		h := stack.New(stack.Config{})
		b.Cleanup(func() { require.NoError(b, h.Close()) })
		roundTrips(b, listen(b, h, "127.0.0.1:0"), dial(h))
	})
	b.Run("gonet loopback", func(b *testing.B) {
		h := stack.New(stack.Config{})
		b.Cleanup(func() { require.NoError(b, h.Close()) })
		full := func(a net.Addr) *tcpip.FullAddress {
			u := a.(*net.UDPAddr)
			return &tcpip.FullAddress{Addr: tcpip.AddrFromSlice(u.IP.To4()), Port: uint16(u.Port)}
		}
		server, err := gonet.DialUDP(h.Stack(), full(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}), nil, 0x0800)
		require.NoError(b, err)
		roundTrips(b, server, func(to net.Addr) (net.Conn, error) {
			return gonet.DialUDP(h.Stack(), nil, full(to), 0x0800)
		})
	})
	b.Run("kernel loopback", func(b *testing.B) {
		server, err := net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(b, err)
		roundTrips(b, server, func(to net.Addr) (net.Conn, error) { return net.Dial("udp4", to.String()) })
	})
}

func listen(b *testing.B, h *stack.Host, address string) net.PacketConn {
	c, err := udp.Listen(h, "udp4", address)
	require.NoError(b, err)
	return c
}

func dial(h *stack.Host) func(net.Addr) (net.Conn, error) {
	return func(to net.Addr) (net.Conn, error) { return (&udp.Dialer{Host: h}).Dial("udp4", to.String()) }
}

func roundTrips(b *testing.B, server net.PacketConn, dial func(net.Addr) (net.Conn, error)) {
	client, err := dial(server.LocalAddr())
	require.NoError(b, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 100)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if _, err := server.WriteTo(buf[:n], from); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	require.NoError(b, client.Close())
	require.NoError(b, server.Close())
	<-done
}

// BenchmarkDatagram is one datagram of 1400 bytes written and read by one
// goroutine, by way of the host's loopback: the calls' own cost.
func BenchmarkDatagram(b *testing.B) {
	h := stack.New(stack.Config{})
	defer func() { require.NoError(b, h.Close()) }()
	c, err := udp.Listen(h, "udp4", "127.0.0.1:0")
	require.NoError(b, err)
	defer c.Close()
	to := addrPortOf(c.LocalAddr())
	payload, buf := make([]byte, 1400), make([]byte, 2000)
	b.ReportAllocs()
	b.SetBytes(1400)
	for b.Loop() {
		if _, err := c.WriteToUDPAddrPort(payload, to); err != nil {
			b.Fatal(err)
		}
		if _, _, err := c.ReadFromUDPAddrPort(buf); err != nil {
			b.Fatal(err)
		}
	}
}
