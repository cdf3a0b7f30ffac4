package tun

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	xipv4 "golang.org/x/net/ipv4"
	xipv6 "golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/internal/echo"
	"strata/tun/internal/nstest"
	"strata/tun/netconf"
)

// Close in the middle of a bulk transfer: it returns, with the reader gone, and
// the kernel's interface is gone too.
func TestCloseUnderLoad(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			ns := nstest.New(t)
			d := openIn(t, ns, Config{Name: "strata0", TAP: m.tap, Offload: m.offload})
			ln := listenTCP(t, newStack(t, d, ourSide...), ourSide[0].Addr(), 80)
			kernel := dialIn(t, ns, "tcp", "10.77.0.2:80")
			our, err := ln.Accept()
			require.NoError(t, err)
			defer our.Close()
			go func() {
				b := make([]byte, 1<<16)
				for {
					if _, err := kernel.Write(b); err != nil {
						return
					}
				}
			}()
			_, err = io.CopyN(io.Discard, our, 1<<20) // it is under way
			require.NoError(t, err)
			d.Close()
			<-d.Done()
			require.ErrorIs(t, d.Err(), os.ErrClosed)
			inNamespace(t, ns, func() error {
				_, err := netlink.LinkByName("strata0")
				require.ErrorAs(t, err, new(netlink.LinkNotFoundError))
				return nil
			})
			// What the stack still sends goes nowhere, and is counted.
			require.IsType(t, &tcpip.ErrClosedForSend{}, send(d, ipv4Packet(17, udpDatagram(our4, kernel4, nil), nil)))
			require.NotZero(t, d.Stats().OutDrops.Closed)
			kernel.Close()
		})
	}
}

// send writes one packet of bytes to the device, as the stack would.
func send(d *Device, b []byte) tcpip.Error {
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{ReserveHeaderBytes: int(d.MaxHeaderLength()), Payload: buffer.MakeWithData(b)})
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = ipv4.ProtocolNumber
	d.AddHeader(pkt)
	var list gstack.PacketBufferList
	list.PushBack(pkt)
	_, err := d.WritePackets(list)
	return err
}

// An interface that is switched off takes nothing, which is counted, and works
// again when it is switched on: the reader survives.
func TestTheInterfaceGoesDownAndUp(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			ns := nstest.New(t)
			d := openIn(t, ns, Config{TAP: m.tap, Offload: m.offload})
			ln := listenTCP(t, newStack(t, d, ourSide...), ourSide[0].Addr(), 80)
			go echo.Serve(ln)
			set := func(up bool) {
				inNamespace(t, ns, func() error {
					l, err := netlink.LinkByName(d.Name())
					if err != nil {
						return err
					}
					if up {
						return netlink.LinkSetUp(l)
					}
					return netlink.LinkSetDown(l)
				})
			}
			inNamespace(t, ns, func() error { return roundTrip(1) })
			set(false)
			require.IsType(t, &tcpip.ErrNetworkUnreachable{}, send(d, ipv4Packet(17, udpDatagram(our4, kernel4, nil), nil)))
			require.NotZero(t, d.Stats().OutDrops.Down)
			set(true)
			require.NoError(t, d.Err())
			inNamespace(t, ns, func() error { return roundTrip(2) })
		})
	}
}

// `ip link delete` on the device of a running host: it is told, and can close.
func TestTheInterfaceIsDeleted(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			ns := nstest.New(t)
			d := openIn(t, ns, Config{Name: "strata0", TAP: m.tap, Offload: m.offload})
			newStack(t, d, ourSide...)
			inNamespace(t, ns, func() error {
				l, err := netlink.LinkByName("strata0")
				if err != nil {
					return err
				}
				return netlink.LinkDel(l)
			})
			<-d.Done()
			require.ErrorIs(t, d.Err(), syscall.EBADFD)
			require.ErrorContains(t, d.Err(), "tun: device strata0 is gone")
			d.Close()
		})
	}
}

// What a raw socket puts on the interface comes with no word of the kernel on
// its checksum. With offload gVisor believes us, so we must have looked.
func TestWrongChecksumsDoNotReachTheStack(t *testing.T) {
	ns := nstest.New(t)
	d := openIn(t, ns, Config{})
	require.True(t, d.Offload())
	s := newStack(t, d, ourSide...)
	our, err := gonet.DialUDP(s, &tcpip.FullAddress{NIC: 1, Addr: our4, Port: 53}, nil, ipv4.ProtocolNumber)
	require.NoError(t, err)
	defer our.Close()

	good := ipv4Packet(17, udpDatagram(kernel4, our4, []byte("good")), nil)
	bad := ipv4Packet(17, udpDatagram(kernel4, our4, []byte("bad ")), nil)
	bad[len(bad)-1] ^= 0x80
	badHeader := bytes.Clone(good)
	badHeader[10] ^= 1
	inNamespace(t, ns, func() error {
		l, err := netlink.LinkByName(d.Name())
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := &unix.SockaddrLinklayer{Protocol: 0x0008 /* ETH_P_IP in network order */, Ifindex: l.Attrs().Index}
		for _, p := range [][]byte{bad, badHeader, good} {
			if err := unix.Sendto(fd, p, 0, to); err != nil {
				return err
			}
		}
		return nil
	})
	b := make([]byte, 100)
	n, _, err := our.ReadFrom(b)
	require.NoError(t, err)
	require.Equal(t, "good", string(b[:n]), "the first to arrive is the last that was sent")
	require.EqualValues(t, 2, d.Stats().InDrops.Checksum)
}

// ping, over both families, in one packet and in fragments: ICMP has checksums
// of its own that neither side leaves to the other.
func TestPing(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			ns := nstest.New(t)
			d := openIn(t, ns, Config{TAP: m.tap, Offload: m.offload})
			newStack(t, d, ourSide...)
			for _, size := range []int{0, 56, 1472, 5000, 60000} {
				ping(t, ns, "ip4:icmp", ourSide[0].Addr(), 1, xipv4.ICMPTypeEcho, xipv4.ICMPTypeEchoReply, size)
				ping(t, ns, "ip6:ipv6-icmp", ourSide[1].Addr(), 58, xipv6.ICMPTypeEchoRequest, xipv6.ICMPTypeEchoReply, size)
			}
			require.Zero(t, d.Stats().InDrops.Checksum)
		})
	}
}

func ping(t *testing.T, ns, network string, to netip.Addr, proto int, request, reply icmp.Type, size int) {
	t.Helper()
	var c *icmp.PacketConn
	inNamespace(t, ns, func() (err error) {
		c, err = icmp.ListenPacket(network, "")
		return err
	})
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	data := bytes.Repeat([]byte{0xa5}, size)
	m := icmp.Message{Type: request, Body: &icmp.Echo{ID: size, Seq: 1, Data: data}}
	b, err := m.Marshal(nil) // ICMPv6's checksum is the kernel's business
	require.NoError(t, err)
	_, err = c.WriteTo(b, &net.IPAddr{IP: to.AsSlice()})
	require.NoError(t, err)
	buf := make([]byte, 65536)
	for {
		n, from, err := c.ReadFrom(buf)
		require.NoError(t, err, fmt.Sprintf("%v, %d bytes", to, size))
		got, err := icmp.ParseMessage(proto, buf[:n])
		require.NoError(t, err)
		if got.Type == reply { // raw sockets see neighbour discovery as well
			require.Equal(t, to.String(), from.String())
			require.True(t, bytes.Equal(data, got.Body.(*icmp.Echo).Data))
			return
		}
	}
}

// Writes of a byte each, kept back until there are many, make packets of more
// pieces than one writev takes.
func TestPacketOfManyPieces(t *testing.T) {
	ns := nstest.New(t)
	d := openIn(t, ns, Config{MTU: 9000, Offload: On})
	payload := make([]byte, 5000)
	for i := range payload {
		payload[i] = byte(i)
	}
	packet := ipv4Packet(17, udpDatagram(our4, kernel4, payload), nil)
	// From our address to the kernel's, the other way round than ipv4Packet has it.
	copy(packet[12:], our4.AsSlice())
	copy(packet[16:], kernel4.AsSlice())
	sum4(packet)

	var kernel net.PacketConn
	inNamespace(t, ns, func() (err error) {
		kernel, err = net.ListenPacket("udp4", "10.77.0.1:53")
		return err
	})
	defer kernel.Close()
	require.NoError(t, kernel.SetDeadline(time.Now().Add(patience)))

	for _, piece := range []int{1, 4, 5000} { // 5,028 pieces; 1,257; 2
		var whole buffer.Buffer
		for b := packet; len(b) > 0; {
			n := min(piece, len(b))
			v := buffer.NewViewWithData(b[:n])
			require.NoError(t, whole.Append(v))
			b = b[n:]
		}
		pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: whole})
		pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
		var list gstack.PacketBufferList
		list.PushBack(pkt)
		_, terr := d.WritePackets(list)
		require.Nil(t, terr)
		pkt.DecRef()
		got := make([]byte, 65536)
		n, _, err := kernel.ReadFrom(got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(payload, got[:n]), "pieces of %d bytes", piece)
	}
}

// A device made for one MTU, and what the kernel's side is set to, are two
// things: the kernel may send what is larger than our MTU, and it arrives.
func TestTheKernelSendsMoreThanOurMTU(t *testing.T) {
	ns := nstest.New(t)
	d, err := Open(Config{Netns: ns, MTU: 1280, Offload: Off})
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, netconf.Configure(ns, d.Name(), netconf.Config{MTU: 65535, Addrs: kernelSide, Up: true}))
	s := newStack(t, d, ourSide...)
	our, err := gonet.DialUDP(s, &tcpip.FullAddress{NIC: 1, Addr: our4, Port: 53}, nil, ipv4.ProtocolNumber)
	require.NoError(t, err)
	defer our.Close()
	kernel := dialIn(t, ns, "udp", "10.77.0.2:53")
	_, err = kernel.Write(make([]byte, 60000))
	require.NoError(t, err)
	n, _, err := our.ReadFrom(make([]byte, 65536))
	require.NoError(t, err)
	require.Equal(t, 60000, n)
}
