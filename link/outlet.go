package link

import (
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// CordCounters are what crossed one direction of a [Cord], or left by a [Port].
// Packets are as they were delivered: a super-packet counts one, whatever
// becomes of it.
type CordCounters struct {
	Packets uint64 // that came to be written
	Bytes   uint64 // of those, with link headers
	Super   uint64 // of those, super-packets

	Segmented uint64 // super-packets that were cut, since the endpoint does not take them as they are
	Completed uint64 // packets whose checksum was completed, since the endpoint does not

	DroppedTooBig    uint64 // larger than the endpoint's MTU, and not to be segmented
	DroppedMalformed uint64 // said to be super-packets, or to lack their checksum, and no TCP or UDP
	DroppedRefused   uint64 // packets, or segments, that the endpoint did not take
	DroppedClosed    uint64 // delivered after Close
}

// outlet writes to an endpoint what another one has delivered.
type outlet struct {
	ep   gstack.LinkEndpoint
	l2   int  // bytes of its link header
	gso  bool // it takes super-packets, and packets that say that their checksum is to be completed
	sums bool // it takes packets without their checksum that do not even say so

	packets, bytes, super, segmented, completed                    atomic.Uint64
	droppedTooBig, droppedMalformed, droppedRefused, droppedClosed atomic.Uint64
}

// init is for an outlet that is a part of something: it must not be copied.
func (o *outlet) init(ep gstack.LinkEndpoint) {
	gso, ok := ep.(gstack.GSOEndpoint)
	o.ep = ep
	o.l2 = int(ep.MaxHeaderLength())
	o.gso = ok && gso.SupportedGSO() == gstack.HostGSOSupported
	o.sums = unsummed(ep)
}

// ethernet says whether ep carries Ethernet frames.
func ethernet(ep gstack.LinkEndpoint) bool { return ep.ARPHardwareType() == header.ARPHardwareEther }

// unsummed says whether packets cross ep without their TCP or UDP checksum and
// without a word: who promises to complete it, as the ends of a wire with
// offload do, where nobody needs it.
func unsummed(ep gstack.LinkEndpoint) bool {
	return ep.Capabilities()&gstack.CapabilityTXChecksumOffload != 0
}

func (o *outlet) counters() CordCounters {
	return CordCounters{
		Packets: o.packets.Load(), Bytes: o.bytes.Load(), Super: o.super.Load(),
		Segmented: o.segmented.Load(), Completed: o.completed.Load(),
		DroppedTooBig: o.droppedTooBig.Load(), DroppedMalformed: o.droppedMalformed.Load(),
		DroppedRefused: o.droppedRefused.Load(), DroppedClosed: o.droppedClosed.Load(),
	}
}

// write sends pkt, which an endpoint delivered: its link header is found, and
// its protocol set. unsummed is that endpoint's. write takes no reference, and
// pkt may be given to another outlet next.
func (o *outlet) write(pkt *gstack.PacketBuffer, unsummed bool) {
	size := pkt.Size()
	o.packets.Add(1)
	o.bytes.Add(uint64(size))

	unsummed = unsummed && !Corrupted(pkt) // which has its checksum, and it must stay wrong
	mss := int(pkt.GSOOptions.MSS)
	super, sum := false, pkt.GSOOptions.NeedsCsum
	if mss > 0 && size > mss || sum || unsummed && !o.sums {
		headers, found := findHeaders(pkt)
		switch {
		case found:
			super = mss > 0 && size-headers > mss
			sum = sum || unsummed
		case sum || mss > 0:
			o.droppedMalformed.Add(1)
			return
		}
		if super {
			o.super.Add(1)
			size = headers + mss // of the largest segment
		}
	}
	switch {
	case size > o.l2+int(o.ep.MTU()):
		o.droppedTooBig.Add(1)
	case super && !(o.gso && pkt.GSOOptions.NeedsCsum):
		o.segmented.Add(1)
		o.segment(pkt)
	case sum && !o.sums && !(o.gso && pkt.GSOOptions.NeedsCsum):
		o.completed.Add(1)
		o.complete(pkt)
	default:
		var list gstack.PacketBufferList
		list.PushBack(pkt)
		o.send(list)
	}
}

// findHeaders tells the IP header and the TCP or UDP header of a packet apart,
// as an endpoint with offloads wants them, and gives the bytes of all headers.
// False where there are none, or not all that their checksum covers is there.
func findHeaders(pkt *gstack.PacketBuffer) (size int, ok bool) {
	if len(pkt.TransportHeader().Slice()) > 0 {
		return pkt.HeaderSize(), true // for another outlet
	}
	var scratch [headRoom]byte
	var v View
	if !v.Parse(pkt.NetworkProtocolNumber, front(pkt, &scratch)) || v.Fragment {
		return 0, false
	}
	l4 := 0
	switch {
	case v.TCP != nil:
		l4 = len(v.TCP)
	case v.UDP != nil:
		l4 = len(v.UDP)
	default:
		return 0, false
	}
	l3 := v.Len - v.PayloadLen - l4
	if pkt.Data().Size() < l3+l4 {
		return 0, false
	}
	pkt.NetworkHeader().Consume(l3)
	pkt.TransportHeader().Consume(l4)
	pkt.TransportProtocolNumber = v.Transport
	return pkt.HeaderSize(), true
}

func (o *outlet) send(list gstack.PacketBufferList) {
	if sent, err := o.ep.WritePackets(list); err != nil {
		o.droppedRefused.Add(uint64(list.Len() - sent))
	}
}

// segment sends a super-packet in its segments, with their checksums.
func (o *outlet) segment(pkt *gstack.PacketBuffer) {
	s := segmenter{linkHeader: o.l2, complete: true}
	cut := s.cut(make([]*gstack.PacketBuffer, 0, segments(pkt)), pkt, int(o.ep.MTU()))
	if len(cut) == 0 {
		o.droppedMalformed.Add(1)
		return
	}
	var list gstack.PacketBufferList
	defer list.Reset()
	for _, segment := range cut {
		o.dress(segment, pkt)
		list.PushBack(segment)
	}
	o.send(list)
}

// complete sends a copy of pkt that has its checksum.
func (o *outlet) complete(pkt *gstack.PacketBuffer) {
	view := buffer.NewViewSize(pkt.Size())
	b := view.AsSlice() // nobody else has it yet
	readAt(pkt, b, 0)
	if pkt.TransportProtocolNumber == header.UDPProtocolNumber {
		udp := header.UDP(b[o.l2+len(pkt.NetworkHeader().Slice()):])
		if udp.Checksum() == 0 {
			udp.SetChecksum(1) // 0 would say that there shall be none (RFC 768); it was only left out
		}
	}
	completeChecksum(b[o.l2:])
	whole := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithView(view)})
	o.dress(whole, pkt)
	var list gstack.PacketBufferList
	defer list.Reset()
	list.PushBack(whole)
	o.send(list)
}

// dress finds the link header of a copy, and says what it is a copy of.
func (o *outlet) dress(dup, pkt *gstack.PacketBuffer) {
	if o.l2 > 0 {
		dup.LinkHeader().Consume(o.l2)
	}
	dup.NetworkProtocolNumber = pkt.NetworkProtocolNumber
}
