package tun

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Packets written by hand for the tests, with their checksums complete.

var (
	kernel4 = tcpip.AddrFrom4([4]byte{10, 77, 0, 1})
	our4    = tcpip.AddrFrom4([4]byte{10, 77, 0, 2})
	kernel6 = tcpip.AddrFrom16([16]byte{0xfd, 0x77, 15: 1})
	our6    = tcpip.AddrFrom16([16]byte{0xfd, 0x77, 15: 2})
)

// tcpSegment is a segment from kernel to us, port 40000 to 80.
func tcpSegment(src, dst tcpip.Address, payload []byte) []byte {
	b := make([]byte, header.TCPMinimumSize, header.TCPMinimumSize+len(payload))
	header.TCP(b).Encode(&header.TCPFields{
		SrcPort: 40000, DstPort: 80, SeqNum: 1000, AckNum: 2000,
		DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagAck | header.TCPFlagPsh, WindowSize: 512,
	})
	b = append(b, payload...)
	pseudo := header.PseudoHeaderChecksum(header.TCPProtocolNumber, src, dst, uint16(len(b)))
	header.TCP(b).SetChecksum(^checksum.Checksum(b, pseudo))
	return b
}

// udpDatagram is a datagram from port 40000 to 53.
func udpDatagram(src, dst tcpip.Address, payload []byte) []byte {
	b := make([]byte, header.UDPMinimumSize, header.UDPMinimumSize+len(payload))
	header.UDP(b).Encode(&header.UDPFields{SrcPort: 40000, DstPort: 53, Length: uint16(header.UDPMinimumSize + len(payload))})
	b = append(b, payload...)
	pseudo := header.PseudoHeaderChecksum(header.UDPProtocolNumber, src, dst, uint16(len(b)))
	header.UDP(b).SetChecksum(^checksum.Checksum(b, pseudo))
	return b
}

// ipv4Packet puts an IPv4 header before b; options is a multiple of 4 bytes.
func ipv4Packet(proto tcpip.TransportProtocolNumber, b, options []byte) []byte {
	n := header.IPv4MinimumSize + len(options)
	p := make([]byte, n, n+len(b))
	p[0] = 4<<4 | uint8(n/4)
	binary.BigEndian.PutUint16(p[2:], uint16(n+len(b)))
	p[8] = 64
	p[9] = uint8(proto)
	src, dst := kernel4.As4(), our4.As4()
	copy(p[12:], src[:])
	copy(p[16:], dst[:])
	copy(p[20:], options)
	sum4(p)
	return append(p, b...)
}

// sum4 completes the checksum of an IPv4 header.
func sum4(p []byte) {
	h := header.IPv4(p)
	h.SetChecksum(0)
	h.SetChecksum(^h.CalculateChecksum())
}

// ipv6Packet puts an IPv6 header before b.
func ipv6Packet(next uint8, b []byte) []byte {
	p := make([]byte, header.IPv6MinimumSize, header.IPv6MinimumSize+len(b))
	p[0] = 6 << 4
	binary.BigEndian.PutUint16(p[4:], uint16(len(b)))
	p[6] = next
	p[7] = 64
	src, dst := kernel6.As16(), our6.As16()
	copy(p[8:], src[:])
	copy(p[24:], dst[:])
	return append(p, b...)
}

// ethernetFrame puts an Ethernet header before a packet.
func ethernetFrame(dst, src tcpip.LinkAddress, proto tcpip.NetworkProtocolNumber, packet []byte) []byte {
	f := make([]byte, ethernetHeader, ethernetHeader+len(packet))
	header.Ethernet(f).Encode(&header.EthernetFields{DstAddr: dst, SrcAddr: src, Type: proto})
	return append(f, packet...)
}
