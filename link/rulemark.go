package link

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// mark copies a packet and sets Congestion Experienced in it; nil where its
// sender does not do ECN (RFC 3168 §5), or it is not IP.
func mark(pkt *gstack.PacketBuffer, proto tcpip.NetworkProtocolNumber, linkHeader int) *gstack.PacketBuffer {
	view := buffer.NewViewSize(pkt.Size())
	frame := view.AsSlice() // nobody else has it yet
	readAt(pkt, frame, 0)
	packet := frame[min(linkHeader, len(frame)):]
	if linkHeader > 0 && len(frame) >= linkHeader {
		proto = header.Ethernet(frame[:linkHeader]).Type()
	}
	const ecn = 3 // the two bits: 0 is no ECN, 3 is Congestion Experienced
	var v View
	switch {
	case !v.Parse(proto, packet):
	case v.IPv4 != nil:
		if tos, _ := v.IPv4.TOS(); tos&ecn != 0 {
			v.IPv4.SetTOS(tos|ecn, 0)
			v.IPv4.SetChecksum(0)
			v.IPv4.SetChecksum(^v.IPv4.CalculateChecksum())
			return copied(pkt, view)
		}
	case v.IPv6 != nil:
		if class, flow := v.IPv6.TOS(); class&ecn != 0 {
			v.IPv6.SetTOS(class|ecn, flow)
			return copied(pkt, view)
		}
	}
	view.Release()
	return nil
}

func copied(pkt *gstack.PacketBuffer, view *buffer.View) *gstack.PacketBuffer {
	c := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithView(view)})
	c.GSOOptions = pkt.GSOOptions // its checksum may still be left to others
	return c
}
