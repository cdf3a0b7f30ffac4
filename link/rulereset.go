package link

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// resets makes the two packets that end the connection of a TCP segment:
// forward goes to who the segment was for, back to who sent it. Each has the
// sequence number that its receiver waits for, if nothing before the segment is
// missing, so that it is believed (RFC 5961 §3.2).
func resets(v *View, proto tcpip.NetworkProtocolNumber, link []byte) (forward, back *packet) {
	length := uint32(v.PayloadLen)
	if SYN(v) || SYNACK(v) {
		length++
	}
	if FIN(v) {
		length++
	}
	seq, ack := v.TCP.SequenceNumber(), v.TCP.AckNumber()
	return reset(v, proto, link, false, seq, ack), reset(v, proto, link, true, ack, seq+length)
}

// reset makes one of them, from the headers of the segment without options;
// turned, it goes the other way.
func reset(v *View, proto tcpip.NetworkProtocolNumber, link []byte, turned bool, seq, ack uint32) *packet {
	ip := header.IPv6MinimumSize
	if v.IPv4 != nil {
		ip = header.IPv4MinimumSize
	}
	view := buffer.NewViewSize(len(link) + ip + header.TCPMinimumSize)
	frame := view.AsSlice() // nobody else has it yet
	copy(frame, link)
	if len(link) > 0 && turned {
		e := header.Ethernet(link)
		header.Ethernet(frame).Encode(&header.EthernetFields{SrcAddr: e.DestinationAddress(), DstAddr: e.SourceAddress(), Type: e.Type()})
	}
	src, dst := v.TCP.SourcePort(), v.TCP.DestinationPort()
	from, to := v.addresses()
	if turned {
		src, dst, from, to = dst, src, to, from
	}
	packetBytes := frame[len(link):]
	const hops = 64
	if v.IPv4 != nil {
		h := header.IPv4(packetBytes)
		h.Encode(&header.IPv4Fields{
			TotalLength: uint16(len(packetBytes)), TTL: hops, Flags: header.IPv4FlagDontFragment,
			Protocol: uint8(header.TCPProtocolNumber), SrcAddr: from, DstAddr: to,
		})
		h.SetChecksum(^h.CalculateChecksum())
	} else {
		header.IPv6(packetBytes).Encode(&header.IPv6Fields{
			PayloadLength: header.TCPMinimumSize, TransportProtocol: header.TCPProtocolNumber,
			HopLimit: hops, SrcAddr: from, DstAddr: to,
		})
	}
	header.TCP(packetBytes[ip:]).Encode(&header.TCPFields{
		SrcPort: src, DstPort: dst, SeqNum: seq, AckNum: ack,
		DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagRst | header.TCPFlagAck,
	})
	completeChecksum(packetBytes)
	return &packet{
		pkt:   gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithView(view)}),
		proto: proto, size: len(frame), count: 1,
	}
}
