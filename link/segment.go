package link

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// readAt copies a packet's bytes from offset on, all headers included, and
// returns how many there were.
func readAt(pkt *gstack.PacketBuffer, dst []byte, offset int) int {
	views, skip := pkt.AsViewList()
	skip += offset
	n := 0
	for v := views.Front(); v != nil && n < len(dst); v = v.Next() {
		b := v.AsSlice()
		if skip >= len(b) {
			skip -= len(b)
			continue
		}
		n += copy(dst[n:], b[skip:])
		skip = 0
	}
	return n
}

// frontBytes is room for the first bytes of a packet, its link-layer header
// included.
type frontBytes [header.EthernetMinimumSize + headRoom]byte

// peek copies the front of a packet and finds the network layer in it: its
// protocol, which on Ethernet is the frame's word, and its bytes.
func peek(pkt *gstack.PacketBuffer, proto tcpip.NetworkProtocolNumber, linkHeader int, front *frontBytes) (tcpip.NetworkProtocolNumber, []byte) {
	n := readAt(pkt, front[:linkHeader+headRoom], 0)
	if n < linkHeader {
		return 0, nil
	}
	if linkHeader > 0 {
		proto = header.Ethernet(front[:linkHeader]).Type()
	}
	return proto, front[linkHeader:n]
}

// segments is how many packets a super-packet stands for; 1 where it is none.
func segments(pkt *gstack.PacketBuffer) int {
	mss := int(pkt.GSOOptions.MSS)
	if pkt.GSOOptions.Type == gstack.GSONone || mss == 0 {
		return 1
	}
	return max(1, (pkt.Data().Size()+mss-1)/mss)
}

// segmenter cuts super-packets.
type segmenter struct {
	linkHeader int
	complete   bool // compute the checksums: the wire's ends do not leave them out
	view       View
	front      frontBytes
}

// cut makes packets of at most mtu bytes, the link's header not counted, of a
// TCP super-packet, as a card with TCP segmentation offload does: each has all
// headers, its own length, sequence number and IP identification (they count
// up); FIN and PSH are the last's, CWR the first's (RFC 3168 §6.1.2). With
// checksum offload the transport checksum stays undone, and the segment's
// GSOOptions say so where the super-packet's do. They are appended to dst, all
// of them data and the caller's; where pkt needs no cut, or is no TCP segment,
// nothing is.
func (s *segmenter) cut(dst []*gstack.PacketBuffer, pkt *gstack.PacketBuffer, mtu int) []*gstack.PacketBuffer {
	mss := int(pkt.GSOOptions.MSS)
	if pkt.GSOOptions.Type == gstack.GSONone || mss == 0 {
		mss = maxIPPacket
	}
	if size := pkt.Size() - s.linkHeader; size <= min(mtu, mss) {
		return dst
	}
	proto, b := peek(pkt, pkt.NetworkProtocolNumber, s.linkHeader, &s.front)
	v := &s.view
	if !v.Parse(proto, b) || v.TCP == nil || v.Fragment || s.linkHeader+v.Len > pkt.Size() {
		return dst
	}
	headers := v.Len - v.PayloadLen // of IP and TCP
	each := min(mss, mtu-headers)
	if each <= 0 || v.PayloadLen <= each {
		return dst
	}
	seq, flags := v.TCP.SequenceNumber(), v.TCP.Flags()
	id := uint16(0)
	if v.IPv4 != nil {
		id = v.IPv4.ID()
	}
	for at := 0; at < v.PayloadLen; at += each {
		size := min(each, v.PayloadLen-at)
		view := buffer.NewViewSize(s.linkHeader + headers + size)
		segment := view.AsSlice() // nobody else has it yet
		copy(segment, s.front[:s.linkHeader+headers])
		readAt(pkt, segment[s.linkHeader+headers:], s.linkHeader+headers+at)

		packet := segment[s.linkHeader:]
		if v.IPv4 != nil {
			ip := header.IPv4(packet)
			ip.SetTotalLength(uint16(len(packet)))
			ip.SetID(id)
			id++
			ip.SetChecksum(0)
			ip.SetChecksum(^ip.CalculateChecksum())
		} else {
			header.IPv6(packet).SetPayloadLength(uint16(len(packet) - header.IPv6MinimumSize))
		}
		tcp := header.TCP(packet[headers-len(v.TCP):])
		tcp.SetSequenceNumber(seq + uint32(at))
		f := flags
		if at > 0 {
			f &^= tcpFlagCWR
		}
		if at+size < v.PayloadLen {
			f &^= header.TCPFlagFin | header.TCPFlagPsh
		}
		tcp.SetFlags(uint8(f))
		whole := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithView(view)})
		switch {
		case s.complete:
			completeChecksum(packet)
		case pkt.GSOOptions.NeedsCsum:
			whole.GSOOptions = pkt.GSOOptions
			tcp.SetChecksum(v.pseudoHeader(len(v.TCP) + size))
		}
		dst = append(dst, whole)
	}
	return dst
}

// tcpFlagCWR is Congestion Window Reduced (RFC 3168 §6.1).
const tcpFlagCWR header.TCPFlags = 0x80

// pseudoHeader is the part of the transport checksum that is not over the
// transport's own bytes, of which there are so many: what a packet carries that
// leaves the rest to others.
func (v *View) pseudoHeader(size int) uint16 {
	src, dst := v.addresses()
	return header.PseudoHeaderChecksum(v.Transport, src, dst, uint16(size))
}

func (v *View) addresses() (src, dst tcpip.Address) {
	if v.IPv4 != nil {
		return v.IPv4.SourceAddress(), v.IPv4.DestinationAddress()
	}
	return v.IPv6.SourceAddress(), v.IPv6.DestinationAddress()
}
