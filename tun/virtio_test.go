package tun

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// What gVisor says of a packet, as the kernel is told it (virtio 1.2 §5.1.6.2).
func TestVirtioHeaderOfWhatIsSent(t *testing.T) {
	v4 := gstack.GSO{Type: gstack.GSOTCPv4, NeedsCsum: true, CsumOffset: 16, MSS: 1460, L3HdrLen: 20}
	v6 := gstack.GSO{Type: gstack.GSOTCPv6, NeedsCsum: true, CsumOffset: 16, MSS: 1440, L3HdrLen: 40}
	for _, c := range []struct {
		name           string
		gso            gstack.GSO
		l2, l3, l4, at int // header lengths, payload
		want           virtioHeader
	}{
		{"a SYN-ACK, complete", gstack.GSO{}, 0, 20, 40, 0, virtioHeader{}},
		{"an ACK: a checksum to complete", v4, 0, 20, 32, 0, virtioHeader{flags: 1, csumStart: 20, csumOffset: 16}},
		{"one segment exactly", v4, 0, 20, 32, 1460, virtioHeader{flags: 1, csumStart: 20, csumOffset: 16}},
		{"one byte more: two segments", v4, 0, 20, 32, 1461, virtioHeader{flags: 1, gsoType: 1, hdrLen: 52, gsoSize: 1460, csumStart: 20, csumOffset: 16}},
		{"64 KiB", v4, 0, 20, 32, 65374, virtioHeader{flags: 1, gsoType: 1, hdrLen: 52, gsoSize: 1460, csumStart: 20, csumOffset: 16}},
		{"IPv6", v6, 0, 40, 20, 3000, virtioHeader{flags: 1, gsoType: 4, hdrLen: 60, gsoSize: 1440, csumStart: 40, csumOffset: 16}},
		{"TAP: behind the Ethernet header", v4, 14, 20, 32, 3000, virtioHeader{flags: 1, gsoType: 1, hdrLen: 66, gsoSize: 1460, csumStart: 34, csumOffset: 16}},
		// gVisor's L3HdrLen knows of no options; the header that is there does.
		{"IPv4 with options", v4, 0, 24, 20, 3000, virtioHeader{flags: 1, gsoType: 1, hdrLen: 44, gsoSize: 1460, csumStart: 24, csumOffset: 16}},
		{"no MSS, no segments", gstack.GSO{Type: gstack.GSOTCPv4, NeedsCsum: true, CsumOffset: 16}, 0, 20, 20, 3000, virtioHeader{flags: 1, csumStart: 20, csumOffset: 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{ReserveHeaderBytes: c.l2 + c.l3 + c.l4, Payload: buffer.MakeWithData(make([]byte, c.at))})
			defer pkt.DecRef()
			pkt.TransportHeader().Push(c.l4)
			pkt.NetworkHeader().Push(c.l3)
			if c.l2 > 0 {
				pkt.LinkHeader().Push(c.l2)
			}
			pkt.GSOOptions = c.gso
			require.Equal(t, c.want, headerFor(pkt))
		})
	}
}

// What the kernel says of a packet is what is said to it when the packet is
// written to another device: a cable between two devices changes nothing.
func TestVirtioHeaderGoesThrough(t *testing.T) {
	for _, c := range []struct {
		name           string
		proto          tcpip.NetworkProtocolNumber
		l2, l3, l4, at int // header lengths, payload
		h              virtioHeader
	}{
		{"complete", header.IPv4ProtocolNumber, 0, 20, 40, 0, virtioHeader{}},
		{"a TCP segment", header.IPv4ProtocolNumber, 0, 20, 32, 100, virtioHeader{flags: 1, csumStart: 20, csumOffset: 16}},
		{"64 KiB", header.IPv4ProtocolNumber, 0, 20, 32, 65000, virtioHeader{flags: 1, gsoType: 1, hdrLen: 52, gsoSize: 1448, csumStart: 20, csumOffset: 16}},
		{"64 KiB of IPv6 on TAP", header.IPv6ProtocolNumber, 14, 40, 32, 65000, virtioHeader{flags: 1, gsoType: 4, hdrLen: 86, gsoSize: 1428, csumStart: 54, csumOffset: 16}},
		{"IPv6 with an extension header", header.IPv6ProtocolNumber, 0, 48, 20, 3000, virtioHeader{flags: 1, gsoType: 4, hdrLen: 68, gsoSize: 1000, csumStart: 48, csumOffset: 16}},
		{"a UDP datagram", header.IPv4ProtocolNumber, 0, 20, 8, 100, virtioHeader{flags: 1, csumStart: 20, csumOffset: 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(make([]byte, c.l2+c.l3+c.l4+c.at))})
			defer pkt.DecRef()
			if c.l2 > 0 {
				pkt.LinkHeader().Consume(c.l2)
			}
			pkt.NetworkHeader().Consume(c.l3)
			pkt.TransportHeader().Consume(c.l4)
			pkt.GSOOptions = c.h.options(c.l2, c.proto)
			require.Equal(t, c.h, headerFor(pkt))
		})
	}
}
