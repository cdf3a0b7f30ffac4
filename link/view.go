package link

import (
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// View is a look at one IP or ARP packet: its headers, found and checked for
// length, in the packet's own bytes. It is valid as long as the packet is, and
// nothing may be written through it. Headers that are not there, or are cut
// short, are nil.
type View struct {
	Proto     tcpip.NetworkProtocolNumber // 0x0800 IPv4, 0x86dd IPv6, 0x0806 ARP (EtherTypes)
	Transport tcpip.TransportProtocolNumber
	Len       int  // the network-layer packet, bytes: without link header and padding
	Fragment  bool // a part of a larger packet; only the first part has the transport header

	// Short says that a header goes on behind the bytes that were looked at, or
	// that IPv6's chain of them is longer than we follow: what the packet
	// carries is not known then. Transport is 0 where the chain did not come to
	// it.
	Short bool

	ARP    header.ARP
	IPv4   header.IPv4 // the header with its options
	IPv6   header.IPv6 // the fixed header
	TCP    header.TCP  // the header with its options
	UDP    header.UDP  // the header
	ICMPv4 header.ICMPv4
	ICMPv6 header.ICMPv6

	PayloadLen int    // bytes behind the transport header, from the IP header's word
	Payload    []byte // those of them that lie in one piece with the headers

	// What a wire tells its rules, and nobody else: which end sent the packet,
	// how many that end has sent with it, and where in a TCP stream it lies.
	FromA  bool
	Number uint64
	Stream Stream
}

// maxExtensionHeaders bounds the walk along IPv6's chain (RFC 8200 §4.1 names
// seven kinds; each should come once).
const maxExtensionHeaders = 8

// Parse reads a network-layer packet of the given protocol. b may be the front
// part of it that holds the headers. It reports false where not even the
// network header is whole.
func (v *View) Parse(proto tcpip.NetworkProtocolNumber, b []byte) bool {
	*v = View{Proto: proto}
	switch proto {
	case header.ARPProtocolNumber:
		if len(b) < header.ARPSize {
			return false
		}
		v.ARP, v.Len = header.ARP(b[:header.ARPSize]), header.ARPSize
		return v.ARP.IsValid()
	case header.IPv4ProtocolNumber:
		return v.parseIPv4(b)
	case header.IPv6ProtocolNumber:
		return v.parseIPv6(b)
	}
	return false
}

func (v *View) parseIPv4(b []byte) bool {
	if len(b) < header.IPv4MinimumSize {
		return false
	}
	ip := header.IPv4(b)
	hlen, total := int(ip.HeaderLength()), int(ip.TotalLength())
	if b[0]>>4 != 4 || hlen < header.IPv4MinimumSize || hlen > len(b) || total < hlen {
		return false
	}
	v.IPv4, v.Len, v.Transport = ip[:hlen], total, ip.TransportProtocol()
	v.Fragment = ip.More() || ip.FragmentOffset() != 0
	if ip.FragmentOffset() == 0 {
		v.parseTransport(b[hlen:min(len(b), total)], total-hlen)
	}
	return true
}

func (v *View) parseIPv6(b []byte) bool {
	if len(b) < header.IPv6MinimumSize || b[0]>>4 != 6 {
		return false
	}
	ip := header.IPv6(b)
	v.IPv6 = ip[:header.IPv6MinimumSize]
	length := int(ip.PayloadLength())
	v.Len = header.IPv6MinimumSize + length
	rest := b[header.IPv6MinimumSize:min(len(b), v.Len)]
	next := ip.NextHeader()
	for range maxExtensionHeaders {
		var size int
		switch header.IPv6ExtensionHeaderIdentifier(next) {
		case header.IPv6HopByHopOptionsExtHdrIdentifier, header.IPv6RoutingExtHdrIdentifier, header.IPv6DestinationOptionsExtHdrIdentifier:
			if len(rest) < 2 {
				v.Short = true
				return true
			}
			size = (int(rest[1]) + 1) * 8
		case header.IPv6ExperimentExtHdrIdentifier: // of one size, as gVisor reads it
			size = header.IPv6ExperimentHdrLength
		case header.IPv6FragmentExtHdrIdentifier:
			if len(rest) < header.IPv6FragmentExtHdrLength {
				v.Short = true
				return true
			}
			size = header.IPv6FragmentExtHdrLength
			offset, more := uint16(rest[2])<<8|uint16(rest[3])&^7, rest[3]&1 != 0
			v.Fragment = v.Fragment || offset != 0 || more
			if offset != 0 {
				v.Transport = tcpip.TransportProtocolNumber(rest[0])
				return true
			}
		default:
			v.Transport = tcpip.TransportProtocolNumber(next)
			v.parseTransport(rest, length)
			return true
		}
		if size > len(rest) {
			v.Short = true
			return true
		}
		next, rest, length = rest[0], rest[size:], length-size
	}
	v.Short = true
	return true
}

func (v *View) parseTransport(b []byte, length int) {
	size := transportHeaderSize(v.Transport, b)
	if size > len(b) {
		v.Short = true
		return
	}
	switch v.Transport {
	case header.TCPProtocolNumber:
		if size < header.TCPMinimumSize {
			return // it says so itself, and is no header
		}
		v.TCP = header.TCP(b[:size])
	case header.UDPProtocolNumber:
		v.UDP = header.UDP(b[:size])
	case header.ICMPv4ProtocolNumber:
		v.ICMPv4 = header.ICMPv4(b)
	case header.ICMPv6ProtocolNumber:
		v.ICMPv6 = header.ICMPv6(b)
	}
	v.PayloadLen, v.Payload = length-size, b[size:]
}

// transportHeaderSize is the size of the header that b begins with, which may
// not be whole; 0 for a protocol that we do not look into.
func transportHeaderSize(proto tcpip.TransportProtocolNumber, b []byte) int {
	switch proto {
	case header.TCPProtocolNumber:
		if len(b) < header.TCPMinimumSize {
			return header.TCPMinimumSize
		}
		return int(header.TCP(b).DataOffset())
	case header.UDPProtocolNumber:
		return header.UDPMinimumSize
	case header.ICMPv4ProtocolNumber:
		return header.ICMPv4MinimumSize
	case header.ICMPv6ProtocolNumber:
		return header.ICMPv6MinimumSize
	}
	return 0
}

// Addrs are the source and the destination, with the ports of TCP and UDP (0
// without). Both are invalid for ARP.
func (v *View) Addrs() (src, dst netip.AddrPort) {
	var s, d netip.Addr
	switch {
	case v.IPv4 != nil:
		s, d = netip.AddrFrom4(v.IPv4.SourceAddress().As4()), netip.AddrFrom4(v.IPv4.DestinationAddress().As4())
	case v.IPv6 != nil:
		s, d = netip.AddrFrom16(v.IPv6.SourceAddress().As16()), netip.AddrFrom16(v.IPv6.DestinationAddress().As16())
	}
	var sp, dp uint16
	switch {
	case v.TCP != nil:
		sp, dp = v.TCP.SourcePort(), v.TCP.DestinationPort()
	case v.UDP != nil:
		sp, dp = v.UDP.SourcePort(), v.UDP.DestinationPort()
	}
	return netip.AddrPortFrom(s, sp), netip.AddrPortFrom(d, dp)
}

// headRoom holds the headers of nearly any packet: IPv6 with extension headers
// of a usual size and a TCP header with all options, and the start of the
// payload. A TUN device gives the front of its large packets a view of 512
// bytes, Ethernet's header included: with more than 498 every look would copy.
const headRoom = 256

// longHeadRoom is looked at where headRoom was too short: more than fits into
// the packets of a usual link.
const longHeadRoom = 4096

// look is what one look at a packet needs; pooled, since listeners make it
// escape.
type look struct {
	view    View
	scratch [headRoom]byte
}

var looks = sync.Pool{New: func() any { return new(look) }}

// at looks at a packet of the given protocol.
func (l *look) at(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) *View {
	b := front(pkt, &l.scratch)
	l.view.Parse(proto, b)
	// What our own stack sends, and so has headers apart, is never that long.
	if l.view.Short && len(pkt.NetworkHeader().Slice()) == 0 {
		data := pkt.Data()
		if more, ok := data.PullUp(min(data.Size(), longHeadRoom)); ok && len(more) > len(b) {
			l.view.Parse(proto, more)
		}
	}
	return &l.view
}

// front gives the first bytes of a packet from the network header on: in place
// where nothing was parsed yet (it came in), else copied into scratch.
func front(pkt *gstack.PacketBuffer, scratch *[headRoom]byte) []byte {
	n := copy(scratch[:], pkt.NetworkHeader().Slice())
	transport := copy(scratch[n:], pkt.TransportHeader().Slice())
	n += transport
	if transport > 0 {
		return scratch[:n]
	}
	// PullUp copies only where the bytes do not lie in one piece.
	data := pkt.Data()
	rest, ok := data.PullUp(min(data.Size(), headRoom-n))
	switch {
	case !ok:
		return scratch[:n]
	case n == 0:
		return rest
	}
	return scratch[:n+copy(scratch[n:], rest)]
}
