package hostile

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// SYN is an IPv4 packet with the first segment of a connection, as a client has
// it that can do everything: an MSS of 1460, SACK and window scaling. Both
// addresses are IPv4.
func SYN(from, to netip.AddrPort, seq uint32) []byte {
	options := []byte{
		header.TCPOptionMSS, header.TCPOptionMSSLength, 1460 >> 8, 1460 & 0xff,
		header.TCPOptionNOP, header.TCPOptionNOP, header.TCPOptionSACKPermitted, header.TCPOptionSackPermittedLength,
		header.TCPOptionNOP, header.TCPOptionWS, header.TCPOptionWSLength, 7,
	}
	segment := make([]byte, header.TCPMinimumSize+len(options))
	copy(segment[header.TCPMinimumSize:], options)
	header.TCP(segment).Encode(&header.TCPFields{
		SrcPort: from.Port(), DstPort: to.Port(), SeqNum: seq,
		DataOffset: uint8(len(segment)), Flags: header.TCPFlagSyn, WindowSize: 64000,
	})
	sumTCP(segment, from.Addr(), to.Addr())
	return ipv4(from.Addr(), to.Addr(), uint8(header.TCPProtocolNumber), 0, segment)
}

// sumTCP completes the checksum of a segment.
func sumTCP(segment []byte, from, to netip.Addr) {
	h := header.TCP(segment)
	h.SetChecksum(0)
	pseudo := header.PseudoHeaderChecksum(header.TCPProtocolNumber, tcpip.AddrFromSlice(from.AsSlice()), tcpip.AddrFromSlice(to.AsSlice()), uint16(len(segment)))
	h.SetChecksum(^checksum.Checksum(segment, pseudo))
}

// ipv4 puts a header before what a packet carries; fragment is the word of flags
// and offset (RFC 791 §3.1).
func ipv4(from, to netip.Addr, protocol uint8, fragment uint16, carried []byte) []byte {
	p := make([]byte, header.IPv4MinimumSize, header.IPv4MinimumSize+len(carried))
	h := header.IPv4(p)
	h.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(p) + len(carried)), TTL: 64, Protocol: protocol, ID: 1,
		Flags: uint8(fragment >> 13), FragmentOffset: fragment & 0x1fff << 3,
		SrcAddr: tcpip.AddrFrom4(from.As4()), DstAddr: tcpip.AddrFrom4(to.As4()),
	})
	h.SetChecksum(^h.CalculateChecksum())
	return append(p, carried...)
}
