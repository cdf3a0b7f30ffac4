package tun

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// hole is a kernel that takes everything and sends nothing by itself.
type hole struct{ closed chan struct{} }

func (h *hole) read(*inbox) (int, virtioHeader, error) {
	<-h.closed
	return 0, virtioHeader{}, net.ErrClosed
}
func (h *hole) write(pkt *gstack.PacketBuffer) error { headerFor(pkt); return nil }
func (h *hole) close() error                         { close(h.closed); return nil }

// FuzzReceive: whatever bytes the device hands us, as a virtio header and a
// packet, nothing panics or hangs, here or in gVisor behind us, and every packet
// is either delivered or counted as dropped for a cause.
func FuzzReceive(f *testing.F) {
	const ours = "\x02\x00\x00\x00\x00\x02"
	segment4 := ipv4Packet(6, tcpSegment(kernel4, our4, []byte("GET / HTTP/1.1\r\n")), nil)
	segment6 := ipv6Packet(6, tcpSegment(kernel6, our6, []byte("GET / HTTP/1.1\r\n")))
	syn := ipv4Packet(6, tcpSegment(kernel4, our4, nil), nil)
	syn[20+13] = byte(header.TCPFlagSyn)
	whole := make([]byte, virtioHeaderSize)
	partial := bytes.Clone(whole)
	(&virtioHeader{flags: virtioNeedsCsum, gsoType: virtioGSOTCPv4, hdrLen: 40, gsoSize: 536, csumStart: 20, csumOffset: 16}).encode(partial)
	checked := bytes.Clone(whole)
	(&virtioHeader{flags: virtioDataValid, gsoType: virtioGSOTCPv6 | virtioGSOECN}).encode(checked)
	lies := bytes.Repeat([]byte{0xff}, virtioHeaderSize)
	for _, h := range [][]byte{whole, partial, checked, lies} {
		for _, p := range [][]byte{
			segment4, segment6, syn,
			ipv4Packet(6, tcpSegment(kernel4, our4, bytes.Repeat([]byte("x"), 6000)), []byte{1, 1, 1, 0}),
			ipv4Packet(17, udpDatagram(kernel4, our4, []byte("query")), nil),
			ipv4Packet(1, []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}, nil), // echo request
			ipv6Packet(0, append([]byte{6, 0, 5, 2, 0, 0, 1, 0}, tcpSegment(kernel6, our6, nil)...)),
			ipv6Packet(44, append([]byte{17, 0, 0, 1, 0, 0, 0, 1}, "fragment"...)),
			segment4[:30], segment4[:1], {}, {0x50},
		} {
			f.Add(false, append(bytes.Clone(h), p...))
			f.Add(true, append(bytes.Clone(h), ethernetFrame(ours, "\x02\x00\x00\x00\x00\x01", header.IPv4ProtocolNumber, p)...))
		}
	}

	devices := map[bool]*Device{}
	for _, tap := range []bool{false, true} {
		d := newDevice(Config{TAP: tap, MTU: 1500, MAC: net.HardwareAddr(ours)}, &hole{make(chan struct{})}, "fuzz0", true)
		s := newStack(f, d, netip.MustParsePrefix("10.77.0.2/24"), netip.MustParsePrefix("fd77::2/64"))
		ln, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: 1, Port: 80}, ipv4.ProtocolNumber)
		require.NoError(f, err)
		f.Cleanup(func() { ln.Close() })
		devices[tap] = d
	}

	f.Fuzz(func(t *testing.T, tap bool, b []byte) {
		if len(b) < virtioHeaderSize || len(b) > virtioHeaderSize+inboxSize+64 {
			t.Skip()
		}
		var h virtioHeader
		h.decode(b)
		// A header says the same when it is written as it was read.
		again := make([]byte, virtioHeaderSize)
		h.encode(again)
		require.Equal(t, b[:virtioHeaderSize], again)

		d := devices[tap]
		before := total(d.Stats())
		var in inbox
		n := copy(in.space(), b[virtioHeaderSize:])
		n += copy(in.tail[:], b[virtioHeaderSize+n:])
		d.receive(&in, n, h)
		require.Equal(t, before+1, total(d.Stats()))
	})
}

func total(s Stats) uint64 {
	return s.InPackets + s.InDrops.Malformed + s.InDrops.Checksum + s.InDrops.NotForUs + s.InDrops.Detached
}
