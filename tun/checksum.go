package tun

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// A device with offloads says CapabilityRXChecksumOffload, and gVisor then
// believes every packet of it: the header checksum of IPv4 as well as those of
// TCP and UDP (it verifies ICMP itself). So what the kernel does not vouch for
// is verified here.

// headerSumOK verifies the header checksum of an IPv4 packet. True as well for
// what is no IPv4 packet or too short to be one: gVisor refuses that itself.
func headerSumOK(packet []byte) bool {
	ip := header.IPv4(packet)
	if len(packet) < header.IPv4MinimumSize || packet[0]>>4 != header.IPv4Version {
		return true
	}
	if n := int(ip.HeaderLength()); n < header.IPv4MinimumSize || n > len(packet) {
		return true
	}
	return ip.IsChecksumValid()
}

// transportSumOK verifies the checksum of the TCP segment or the UDP datagram
// in an IP packet. True as well where there is none to verify: other
// protocols, UDP over IPv4 without one, fragments (only the whole datagram has
// a checksum), and packets that gVisor will refuse for their lengths.
func transportSumOK(packet []byte) bool {
	if len(packet) == 0 {
		return true
	}
	switch packet[0] >> 4 {
	case header.IPv4Version:
		ip := header.IPv4(packet)
		if !ip.IsValid(len(packet)) {
			return true
		}
		if ip.More() || ip.FragmentOffset() != 0 {
			return true
		}
		payload := packet[ip.HeaderLength():ip.TotalLength()]
		return segmentSumOK(ip.TransportProtocol(), ip.SourceAddress(), ip.DestinationAddress(), payload, true)
	case header.IPv6Version:
		ip := header.IPv6(packet)
		if !ip.IsValid(len(packet)) {
			return true
		}
		payload := packet[header.IPv6MinimumSize:][:ip.PayloadLength()]
		proto, payload, ok := skipExtensions(ip.NextHeader(), payload)
		if !ok {
			return true
		}
		return segmentSumOK(proto, ip.SourceAddress(), ip.DestinationAddress(), payload, false)
	}
	return true
}

// skipExtensions walks the extension headers of IPv6 (RFC 8200 §4) to what
// they carry. False where no checksum can be verified: a fragment, a routing
// header that has yet to say the destination, or headers cut short.
func skipExtensions(next uint8, b []byte) (tcpip.TransportProtocolNumber, []byte, bool) {
	for {
		var size int
		switch header.IPv6ExtensionHeaderIdentifier(next) {
		case header.IPv6HopByHopOptionsExtHdrIdentifier, header.IPv6DestinationOptionsExtHdrIdentifier:
			if len(b) < 2 {
				return 0, nil, false
			}
			size = 8 + 8*int(b[1])
		case header.IPv6RoutingExtHdrIdentifier:
			if len(b) < 4 || b[3] != 0 { // segments left
				return 0, nil, false
			}
			size = 8 + 8*int(b[1])
		case header.IPv6FragmentExtHdrIdentifier:
			return 0, nil, false
		default:
			return tcpip.TransportProtocolNumber(next), b, true
		}
		if len(b) < size {
			return 0, nil, false
		}
		next, b = b[0], b[size:] // at least 8 bytes less each time round
	}
}

// segmentSumOK verifies the checksum of TCP (RFC 9293 §3.1) or UDP (RFC 768);
// zeroOK where a UDP datagram may go without one (over IPv4).
func segmentSumOK(proto tcpip.TransportProtocolNumber, src, dst tcpip.Address, b []byte, zeroOK bool) bool {
	switch proto {
	case header.TCPProtocolNumber:
		if len(b) < header.TCPMinimumSize {
			return true
		}
	case header.UDPProtocolNumber:
		if len(b) < header.UDPMinimumSize {
			return true
		}
		udp := header.UDP(b)
		if udp.Checksum() == 0 {
			return zeroOK
		}
		n := int(udp.Length())
		if n < header.UDPMinimumSize || n > len(b) {
			return true
		}
		b = b[:n]
	default:
		return true
	}
	pseudo := header.PseudoHeaderChecksum(proto, src, dst, uint16(len(b)))
	return checksum.Checksum(b, pseudo) == 0xffff
}
