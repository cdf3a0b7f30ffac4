package tun

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/internal/echo"
	"strata/tun/internal/nstest"
	"strata/tun/netconf"
)

// patience is how long a test waits for what must come, before it is a failure.
// Nothing is measured against it.
const patience = 2 * time.Minute

// dialIn connects from the kernel of the namespace to our side of the device.
func dialIn(t testing.TB, ns, network, addr string) net.Conn {
	t.Helper()
	var c net.Conn
	inNamespace(t, ns, func() (err error) {
		c, err = (&net.Dialer{Timeout: patience}).DialContext(context.Background(), network, addr)
		return err
	})
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// listenTCP listens on the address of a stack.
func listenTCP(t testing.TB, s *gstack.Stack, a netip.Addr, port uint16) net.Listener {
	t.Helper()
	ln, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(a.AsSlice()), Port: port}, netProto(a))
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln
}

func netProto(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return ipv4.ProtocolNumber
	}
	return ipv6.ProtocolNumber
}

// random is n reproducible bytes, and their sum as they are read.
func random(seed uint64, n int64) (io.Reader, hash.Hash) {
	sum := sha256.New()
	var key [32]byte
	key[0] = byte(seed)
	return io.TeeReader(io.LimitReader(rand.NewChaCha8(key), n), sum), sum
}

// Every mode at every MTU carries every byte, both ways, over both families:
// the kernel's TCP and gVisor's agree on the sum of all of it. Sizes of the
// single writes vary, so that segments of all lengths, full and partial, cross
// the device, with FIN on the last of them. Where STRATA_SOAK is set it is 1 GiB
// each way.
func TestTransfer(t *testing.T) {
	bulk := int64(shortBulk)
	if os.Getenv("STRATA_SOAK") != "" {
		bulk = 1 << 30
	}
	for _, m := range modes {
		for _, mtu := range []int{576, 1280, 1500, 9000, 65535} {
			if m.tap {
				mtu = min(mtu, MaxMTUTAP)
			}
			for _, ours := range ourSide {
				if ours.Addr().Is6() && mtu < 1280 {
					continue
				}
				family := "IPv4"
				if ours.Addr().Is6() {
					family = "IPv6"
				}
				t.Run(fmt.Sprintf("%s/%d/%s", m.name, mtu, family), func(t *testing.T) {
					testTransfer(t, Config{TAP: m.tap, Offload: m.offload, MTU: mtu}, ours, bulk)
				})
			}
		}
	}
}

func testTransfer(t *testing.T, c Config, ours netip.Prefix, bulk int64) {
	ns := nstest.New(t)
	d := openIn(t, ns, c)
	ln := listenTCP(t, newStack(t, d, ours), ours.Addr(), 80)
	kernel := dialIn(t, ns, "tcp", netip.AddrPortFrom(ours.Addr(), 80).String())
	our, err := ln.Accept()
	require.NoError(t, err)
	defer our.Close()
	late := time.Now().Add(patience + time.Duration(bulk>>20)*time.Second) // a MiB a second, at worst
	require.NoError(t, our.SetDeadline(late))
	require.NoError(t, kernel.SetDeadline(late))

	up, upSum := random(1, bulk)
	require.Equal(t, sumOf(t, kernel, up, our), upSum.Sum(nil), "kernel to us")
	down, downSum := random(2, bulk)
	require.Equal(t, sumOf(t, our, down, kernel), downSum.Sum(nil), "us to kernel")

	s := d.Stats()
	require.Zero(t, s.InDrops.Checksum)
	require.Zero(t, s.InDrops.Malformed)
	require.Zero(t, s.OutDrops.Failed)
	if d.Offload() && c.MTU < 9000 {
		// What the offload is for: fewer packets than the MTU alone would need.
		require.NotZero(t, s.InSuper)
		require.NotZero(t, s.OutSuper)
		require.Less(t, s.InPackets, uint64(bulk)/uint64(c.MTU), "kernel to us")
		require.Less(t, s.OutSuper, uint64(bulk)/uint64(c.MTU), "us to kernel")
	}
	if !d.Offload() {
		require.Zero(t, s.InSuper+s.OutSuper)
	}
}

// sumOf sends all of data from one end, closes that direction, and gives the
// sum of what arrives at the other.
func sumOf(t *testing.T, from net.Conn, data io.Reader, to net.Conn) []byte {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		b := make([]byte, 200_000)
		for size := 1; ; size = size*3%len(b) + 1 {
			n, err := io.ReadFull(data, b[:size])
			if _, werr := from.Write(b[:n]); werr != nil {
				sent <- werr
				return
			}
			if err != nil { // io.EOF: there is no more
				sent <- from.(interface{ CloseWrite() error }).CloseWrite()
				return
			}
		}
	}()
	sum := sha256.New()
	_, err := io.Copy(sum, to)
	require.NoError(t, err)
	require.NoError(t, <-sent)
	return sum.Sum(nil)
}

// Datagrams of every length class, larger than the MTU (fragments) and empty
// ones, there and back: the kernel leaves their checksums to be completed, or
// has completed them, by how they are sent.
func TestDatagrams(t *testing.T) {
	for _, m := range modes {
		for _, ours := range ourSide {
			t.Run(fmt.Sprintf("%s/%v", m.name, ours.Addr()), func(t *testing.T) {
				ns := nstest.New(t)
				d := openIn(t, ns, Config{TAP: m.tap, Offload: m.offload})
				s := newStack(t, d, ours)
				our, err := gonet.DialUDP(s, &tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(ours.Addr().AsSlice()), Port: 53}, nil, netProto(ours.Addr()))
				require.NoError(t, err)
				defer our.Close()
				kernel := dialIn(t, ns, "udp", netip.AddrPortFrom(ours.Addr(), 53).String())

				b := make([]byte, 65536)
				for _, size := range []int{0, 1, 2, 63, 64, 511, 1199, 1472, 1473, 4000, 20001, 65507} {
					sent := make([]byte, size)
					rand.NewChaCha8([32]byte{byte(size)}).Read(sent)
					_, err := kernel.Write(sent)
					require.NoError(t, err)
					n, from, err := our.ReadFrom(b)
					require.NoError(t, err)
					require.Equal(t, sha256.Sum256(sent), sha256.Sum256(b[:n]), "%d bytes, to us", size)
					_, err = our.WriteTo(b[:n], from)
					require.NoError(t, err)
					n, err = kernel.Read(b)
					require.NoError(t, err, "%d bytes, to the kernel", size)
					require.Equal(t, sha256.Sum256(sent), sha256.Sum256(b[:n]), "%d bytes, to the kernel", size)
				}
				require.Zero(t, d.Stats().InDrops.Checksum)
			})
		}
	}
}

// Many connections at once, opened and closed: small segments, handshakes and
// FINs of different flows between each other, through every mode.
func TestManyConnections(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			ns := nstest.New(t)
			d := openIn(t, ns, Config{TAP: m.tap, Offload: m.offload})
			ln := listenTCP(t, newStack(t, d, ourSide...), ourSide[0].Addr(), 80)
			go echo.Serve(ln)
			const connections = 200
			results := make(chan error, connections)
			for i := range connections {
				go func() {
					results <- netconf.InNamespace(ns, func() error { return roundTrip(i) })
				}()
			}
			for range connections {
				require.NoError(t, <-results)
			}
		})
	}
}

// roundTrip sends some bytes that are told apart by i, and wants them back.
func roundTrip(i int) error {
	c, err := net.DialTimeout("tcp4", "10.77.0.2:80", patience)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	want := fmt.Sprintf("connection %d", i)
	if _, err := io.WriteString(c, want); err != nil {
		return err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("sent %q, got %q", want, got)
	}
	return nil
}
