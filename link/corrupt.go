package link

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// damage is what corruption did to a packet.
type damage uint8

const (
	intact   damage = iota
	hostSees        // a checksum of the packet is there and wrong: the receiving host finds it
	endSees         // no checksum that is there covers it: the receiving end finds it, as by a frame's check sequence
)

// corruptOwner marks a packet that was corrupted, through hosts' link layers and
// whatever joins wires, until a host takes it: a packet that comes in has no
// owner, and gVisor copies the field with the packet.
type corruptOwner struct{}

var _ tcpip.PacketOwner = corruptOwner{}

// KUID implements gVisor's PacketOwner.
func (corruptOwner) KUID() uint32 { return 0 }

// KGID implements gVisor's PacketOwner.
func (corruptOwner) KGID() uint32 { return 0 }

// Corrupted reports whether a wire has flipped a bit of a packet, as a listener
// sees it. Its checksum is complete then, and wrong.
func Corrupted(pkt *gstack.PacketBuffer) bool { return pkt.Owner == corruptOwner{} }

// corrupt copies a packet, completes its transport checksum where the ends leave
// that out, and flips the bit that draw picks of its network layer. What a link
// header says is left alone: frames have a check of their own, and only what is
// missed by it gets here.
func corrupt(pkt *gstack.PacketBuffer, proto tcpip.NetworkProtocolNumber, linkHeader int, offload bool, draw uint64) (*gstack.PacketBuffer, damage) {
	view := buffer.NewViewSize(pkt.Size())
	frame := view.AsSlice() // nobody else has it yet
	readAt(pkt, frame, 0)
	if linkHeader > 0 && len(frame) >= linkHeader {
		proto = header.Ethernet(frame[:linkHeader]).Type()
	}
	packet := frame[min(linkHeader, len(frame)):]
	d := seenBy(proto, packet, offload)
	if offload && d == hostSees {
		completeChecksum(packet)
	}
	if bits := uint64(len(packet)) * 8; bits > 0 {
		bit := draw % bits
		packet[bit/8] ^= 0x80 >> (bit % 8)
	}
	return gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithView(view)}), d
}

// seenBy says who will find that a packet is corrupt. Frames of ARP have no
// checksum; and of a fragment that was sent without one none can be made, since
// it covers the other fragments too.
func seenBy(proto tcpip.NetworkProtocolNumber, packet []byte, offload bool) damage {
	var v View
	if !v.Parse(proto, packet) || v.Fragment && offload {
		return endSees
	}
	switch {
	case v.UDP != nil:
		if offload && v.UDP.Checksum() == 0 {
			v.UDP.SetChecksum(1) // 0 would say that there shall be none (RFC 768); it was only left out
		}
		return hostSees
	case v.TCP != nil, v.ICMPv4 != nil, v.ICMPv6 != nil, v.Fragment:
		return hostSees
	}
	return endSees
}
