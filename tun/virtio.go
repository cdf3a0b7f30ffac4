package tun

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// virtioHeader is struct virtio_net_hdr of <linux/virtio_net.h>: what Linux
// puts before each packet of a device with IFF_VNET_HDR, and wants before each
// packet written to it. It is in the byte order of the machine.
type virtioHeader struct {
	flags      uint8
	gsoType    uint8
	hdrLen     uint16 // a hint of the length of all headers; never trusted
	gsoSize    uint16 // payload bytes a segment, where gsoType is not none
	csumStart  uint16 // where the checksum begins, from the first byte of the packet
	csumOffset uint16 // where it goes, from csumStart
}

// virtioHeaderSize is the size that is asked for with TUNSETVNETHDRSZ.
const virtioHeaderSize = 10

// Flags and GSO types (virtio 1.2 §5.1.6).
const (
	virtioNeedsCsum = 1 // the checksum field holds that of the pseudo-header only
	virtioDataValid = 2 // the kernel has checked the checksum

	virtioGSONone  = 0
	virtioGSOTCPv4 = 1
	virtioGSOTCPv6 = 4
	virtioGSOECN   = 0x80 // set beside the others: only the first segment carries CWR
)

// decode reads h from b, which has virtioHeaderSize bytes or more.
func (h *virtioHeader) decode(b []byte) {
	_ = b[virtioHeaderSize-1]
	h.flags = b[0]
	h.gsoType = b[1]
	h.hdrLen = binary.NativeEndian.Uint16(b[2:])
	h.gsoSize = binary.NativeEndian.Uint16(b[4:])
	h.csumStart = binary.NativeEndian.Uint16(b[6:])
	h.csumOffset = binary.NativeEndian.Uint16(b[8:])
}

// encode writes h to b, which has virtioHeaderSize bytes or more.
func (h *virtioHeader) encode(b []byte) {
	_ = b[virtioHeaderSize-1]
	b[0] = h.flags
	b[1] = h.gsoType
	binary.NativeEndian.PutUint16(b[2:], h.hdrLen)
	binary.NativeEndian.PutUint16(b[4:], h.gsoSize)
	binary.NativeEndian.PutUint16(b[6:], h.csumStart)
	binary.NativeEndian.PutUint16(b[8:], h.csumOffset)
}

// options says in gVisor's words what h says of a packet with a link header of
// l2 bytes: so a packet that is not for our own stack but for another device
// can be written there with the header that it came with. TCP has a type also
// where it is one segment, as with what gVisor sends; a UDP datagram has none,
// and may still want its checksum completed.
func (h *virtioHeader) options(l2 int, proto tcpip.NetworkProtocolNumber) gstack.GSO {
	var o gstack.GSO
	if h.flags&virtioNeedsCsum != 0 && int(h.csumStart) > l2 {
		o.NeedsCsum = true
		o.CsumOffset = h.csumOffset
		o.L3HdrLen = h.csumStart - uint16(l2)
	}
	if h.gsoType != virtioGSONone {
		o.MSS = h.gsoSize
	}
	if h.gsoType != virtioGSONone || o.NeedsCsum && o.CsumOffset == header.TCPChecksumOffset {
		o.Type = gstack.GSOTCPv4
		if proto == header.IPv6ProtocolNumber {
			o.Type = gstack.GSOTCPv6
		}
		o.MaxSize = MaxMTU
	}
	return o
}

// headerFor says to the kernel what is said of a packet that is sent: by
// gVisor of TCP only (everything else comes with its checksum complete and no
// larger than the MTU, and gets an empty header), by another device of UDP too.
func headerFor(pkt *gstack.PacketBuffer) virtioHeader {
	var h virtioHeader
	gso := &pkt.GSOOptions
	if gso.Type == gstack.GSONone && !gso.NeedsCsum {
		return h
	}
	l2 := len(pkt.LinkHeader().Slice())
	l3 := len(pkt.NetworkHeader().Slice()) // gso.L3HdrLen is that of one without options
	headers := l2 + l3 + len(pkt.TransportHeader().Slice())
	if gso.NeedsCsum {
		h.flags = virtioNeedsCsum
		h.csumStart = uint16(l2 + l3)
		h.csumOffset = gso.CsumOffset
	}
	if mss := int(gso.MSS); mss != 0 && pkt.Size()-headers > mss {
		switch gso.Type {
		case gstack.GSOTCPv4:
			h.gsoType = virtioGSOTCPv4
		case gstack.GSOTCPv6:
			h.gsoType = virtioGSOTCPv6
		default:
			return h
		}
		h.gsoSize = gso.MSS
		h.hdrLen = uint16(headers) // the kernel keeps these bytes in one piece
	}
	return h
}
