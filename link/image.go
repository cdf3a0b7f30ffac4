package link

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// AppendPacket appends a packet's bytes to dst, the link-layer header first
// where it has one.
//
// On a link with checksum offload the checksums of TCP and UDP are not there
// yet, or only half; with complete they are computed, so that the copy is what
// a wire would carry. Such a link has verified what comes in, so nothing that
// was broken is repaired in the copy; on a link without offload leave complete
// off.
func AppendPacket(dst []byte, pkt *gstack.PacketBuffer, complete bool) []byte {
	start := len(dst)
	for _, b := range pkt.AsSlices() {
		dst = append(dst, b...)
	}
	if complete && !Corrupted(pkt) {
		completeChecksum(dst[start+len(pkt.LinkHeader().Slice()):])
	}
	return dst
}

// completeChecksum computes the transport checksum of an IP packet in place. A
// fragment is left as it is: its checksum is over what is not here.
func completeChecksum(b []byte) {
	if len(b) == 0 {
		return
	}
	proto := tcpip.NetworkProtocolNumber(header.IPv4ProtocolNumber)
	if b[0]>>4 == 6 {
		proto = header.IPv6ProtocolNumber
	}
	var v View
	if !v.Parse(proto, b) || v.Fragment || v.Len > len(b) {
		return
	}
	var src, dst tcpip.Address
	if v.IPv4 != nil {
		src, dst = v.IPv4.SourceAddress(), v.IPv4.DestinationAddress()
	} else {
		src, dst = v.IPv6.SourceAddress(), v.IPv6.DestinationAddress()
	}
	pseudo := func(size int) uint16 {
		return checksum.Checksum(v.Payload, header.PseudoHeaderChecksum(v.Transport, src, dst, uint16(size)))
	}
	switch {
	case v.TCP != nil:
		v.TCP.SetChecksum(0)
		v.TCP.SetChecksum(^checksum.Checksum(v.TCP, pseudo(len(v.TCP)+len(v.Payload))))
	case v.UDP != nil && v.UDP.Checksum() != 0: // 0 is none (RFC 768)
		v.UDP.SetChecksum(0)
		sum := ^checksum.Checksum(v.UDP, pseudo(len(v.UDP)+len(v.Payload)))
		if sum == 0 {
			sum = 0xffff
		}
		v.UDP.SetChecksum(sum)
	}
}
