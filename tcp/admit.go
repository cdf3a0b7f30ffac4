package tcp

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/trace"
)

// SYN is a request for a connection, as [ListenConfig].Admit sees it.
type SYN struct {
	Flow    trace.Flow // Local is the address it asks for
	Seq     uint32     // its initial sequence number
	Options trace.Options
}

// Verdict is what becomes of a SYN.
type Verdict uint8

// The verdicts.
const (
	Accept Verdict = iota // the stack answers
	Reset                 // the peer is refused: RST
	Drop                  // the peer hears nothing, and sends it again
)

// screen decides on a segment that comes in; false drops it.
func (s *state) screen(v *link.View) bool {
	all := s.admissions.asked.Load()
	if all == nil {
		return true
	}
	if v.TCP == nil {
		// Headers that cannot be read could hide a SYN from us, and not from
		// the stack: a chain of IPv6's that is too long, or a first fragment
		// that ends within them (RFC 1858 §3, RFC 7112 §5).
		return !v.Short || v.Transport != 0 && v.Transport != header.TCPProtocolNumber
	}
	if v.TCP.Flags()&(header.TCPFlagSyn|header.TCPFlagAck) != header.TCPFlagSyn {
		return true
	}
	src, dst := v.Addrs()
	a := find(*all, dst)
	if a == nil || a.admit == nil {
		return true
	}
	e, _ := v.Event(trace.In)
	seg := e.What.(trace.Segment)
	switch a.admit(SYN{Flow: e.Flow, Seq: seg.Seq, Options: seg.Options}) {
	case Accept:
		return true
	case Reset:
		ack := seg.Seq + 1 + uint32(seg.Len)
		// Not from under the packet's own feet.
		loop := s.host.Loop()
		loop.At(loop.Now(), func() { reset(s.host, dst, src, ack) })
	}
	return false
}

// reset sends RST in answer to a SYN: sequence number 0, and what the SYN
// took acknowledged (RFC 9293 §3.10.7.1).
func reset(h *stack.Host, from, to netip.AddrPort, ack uint32) {
	defer h.Touch()
	proto := stack.Protocol(from.Addr())
	r, terr := h.Stack().FindRoute(0, stack.Address(from.Addr()), stack.Address(to.Addr()), proto, false)
	if terr != nil {
		return // nobody to tell; the peer's timer will
	}
	defer r.Release()
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{ReserveHeaderBytes: int(r.MaxHeaderLength()) + header.TCPMinimumSize})
	defer pkt.DecRef()
	pkt.TransportProtocolNumber = header.TCPProtocolNumber
	segment := header.TCP(pkt.TransportHeader().Push(header.TCPMinimumSize))
	segment.Encode(&header.TCPFields{
		SrcPort: from.Port(), DstPort: to.Port(),
		AckNum: ack, DataOffset: header.TCPMinimumSize,
		Flags: header.TCPFlagRst | header.TCPFlagAck,
	})
	sum := r.PseudoHeaderChecksum(header.TCPProtocolNumber, header.TCPMinimumSize)
	segment.SetChecksum(^checksum.Checksum(segment, sum))
	// An error is a packet lost: the peer sends its SYN again.
	_ = r.WritePacket(gstack.NetworkHeaderParams{Protocol: header.TCPProtocolNumber, TTL: 64}, pkt)
}
