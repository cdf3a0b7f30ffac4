package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/trace"
)

// Observe makes a [Listener] that reports each packet to rec: a [trace.Segment]
// for TCP, [trace.ARP] for ARP and IPv6's neighbour discovery,
// [trace.Datagram] for the rest, as far as rec wants to be told. It never drops a
// packet.
func Observe(rec trace.Recorder, host string, loop clock.Loop) Listener {
	return func(dir trace.Direction, pkt *gstack.PacketBuffer, v *View) bool {
		if !begins(v) && !(trace.Wants(rec, trace.Flow{}, trace.Outline) && trace.Wants(rec, v.flow(dir), trace.Outline)) {
			return true
		}
		if e, ok := v.Event(dir); ok {
			e.At, e.Host = loop.Now(), host
			rec.Record(e)
		}
		return true
	}
}

// begins says whether a packet is how a connection begins (see
// [trace.Beginnings]).
func begins(v *View) bool { return v.TCP != nil && v.TCP.Flags()&header.TCPFlagSyn != 0 }

// flow is the connection that a packet belongs to, as its host sees it; zero
// where there is none.
func (v *View) flow(dir trace.Direction) trace.Flow {
	if v.ARP != nil {
		return trace.Flow{}
	}
	src, dst := v.Addrs()
	if dir == trace.In {
		src, dst = dst, src
	}
	return trace.Flow{Local: src, Remote: dst}
}

// Event is what a packet is in a trace, with no time and host yet; false where
// it is not one that can be read.
func (v *View) Event(dir trace.Direction) (trace.Event, bool) {
	e := trace.Event{Dir: dir, Flow: v.flow(dir)}
	switch {
	case v.ARP != nil:
		e.What = arpEvent(v.ARP)
	case v.TCP != nil:
		e.What = trace.Segment{
			Flags:   trace.Flags(v.TCP.Flags()),
			Seq:     v.TCP.SequenceNumber(),
			Ack:     v.TCP.AckNumber(),
			Window:  v.TCP.WindowSize(),
			Len:     v.PayloadLen,
			TTL:     v.hopLimit(),
			Packet:  v.Len,
			Options: tcpOptions(v.TCP.Options()),
		}
	case v.ICMPv6 != nil:
		if a, ok := neighbourEvent(v.ICMPv6); ok {
			e.What = a
			break
		}
		e.What = trace.Datagram{Proto: "icmpv6", Len: v.Len, Info: icmpv6Name(v.ICMPv6)}
	case v.ICMPv4 != nil:
		e.What = trace.Datagram{Proto: "icmp", Len: v.Len, Info: icmpv4Name(v.ICMPv4)}
	case v.UDP != nil:
		e.What = trace.Datagram{Proto: "udp", Len: v.Len, Info: ports(e)}
	case v.IPv4 != nil || v.IPv6 != nil:
		info := ""
		if v.Fragment {
			info = "fragment"
		}
		e.What = trace.Datagram{Proto: fmt.Sprint(uint32(v.Transport)), Len: v.Len, Info: info}
	default:
		return trace.Event{}, false
	}
	return e, true
}

func ports(e trace.Event) string {
	f := e.Flow
	if e.Dir == trace.In {
		f = f.Reverse()
	}
	return fmt.Sprintf("%d > %d", f.Local.Port(), f.Remote.Port())
}

func (v *View) hopLimit() uint8 {
	if v.IPv4 != nil {
		return v.IPv4.TTL()
	}
	return v.IPv6.HopLimit()
}

func arpEvent(a header.ARP) trace.ARP {
	if a.Op() == header.ARPReply {
		return trace.ARP{Op: "reply", Target: addr4(a.ProtocolAddressSender()), MAC: mac(a.HardwareAddressSender())}
	}
	return trace.ARP{Op: "request", Target: addr4(a.ProtocolAddressTarget())}
}

func addr4(b []byte) netip.Addr { a, _ := netip.AddrFromSlice(b); return a }

func mac(b []byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}

// neighbourEvent reads a neighbour solicitation or advertisement (RFC 4861
// §4.3, §4.4): the target's address at byte 8, then options of 8-byte units.
func neighbourEvent(m header.ICMPv6) (trace.ARP, bool) {
	const target, options = 8, 24
	if len(m) < options {
		return trace.ARP{}, false
	}
	addr, _ := netip.AddrFromSlice(m[target:options])
	switch m.Type() {
	case header.ICMPv6NeighborSolicit:
		return trace.ARP{Op: "request", Target: addr}, true
	case header.ICMPv6NeighborAdvert:
		a := trace.ARP{Op: "reply", Target: addr}
		const targetLinkAddress = 2 // RFC 4861 §4.6.1
		for o := m[options:]; len(o) >= 8 && o[1] != 0 && int(o[1])*8 <= len(o); o = o[int(o[1])*8:] {
			if o[0] == targetLinkAddress {
				a.MAC = mac(o[2:8])
			}
		}
		return a, true
	}
	return trace.ARP{}, false
}

func icmpv4Name(m header.ICMPv4) string {
	switch m.Type() {
	case header.ICMPv4Echo:
		return "echo request"
	case header.ICMPv4EchoReply:
		return "echo reply"
	case header.ICMPv4DstUnreachable:
		return fmt.Sprintf("unreachable (code %d)", m.Code())
	case header.ICMPv4TimeExceeded:
		return "time exceeded"
	}
	return fmt.Sprintf("type %d", m.Type())
}

func icmpv6Name(m header.ICMPv6) string {
	switch m.Type() {
	case header.ICMPv6EchoRequest:
		return "echo request"
	case header.ICMPv6EchoReply:
		return "echo reply"
	case header.ICMPv6DstUnreachable:
		return fmt.Sprintf("unreachable (code %d)", m.Code())
	case header.ICMPv6PacketTooBig:
		return "packet too big"
	case header.ICMPv6RouterSolicit:
		return "router solicitation"
	case header.ICMPv6RouterAdvert:
		return "router advertisement"
	case header.ICMPv6MulticastListenerV2Report, header.ICMPv6MulticastListenerReport:
		return "multicast listener report"
	}
	return fmt.Sprintf("type %d", m.Type())
}

// tcpOptions reads the options of a TCP header (RFC 9293 §3.2); what is
// malformed ends the list.
func tcpOptions(b []byte) trace.Options {
	var o trace.Options
	for len(b) > 0 {
		kind := b[0]
		if kind == header.TCPOptionEOL {
			break
		}
		if kind == header.TCPOptionNOP {
			b = b[1:]
			continue
		}
		if len(b) < 2 || int(b[1]) < 2 || int(b[1]) > len(b) {
			break
		}
		value := b[2:b[1]]
		b = b[b[1]:]
		switch {
		case kind == header.TCPOptionMSS && len(value) == 2:
			o.MSS = binary.BigEndian.Uint16(value)
		case kind == header.TCPOptionWS && len(value) == 1:
			shift := value[0]
			o.WindowScale = &shift
		case kind == header.TCPOptionSACKPermitted && len(value) == 0:
			o.SACKPermitted = true
		case kind == header.TCPOptionTS && len(value) == 8:
			o.Timestamp = &trace.Timestamp{Val: binary.BigEndian.Uint32(value), Ecr: binary.BigEndian.Uint32(value[4:])}
		case kind == header.TCPOptionSACK && len(value)%8 == 0:
			for ; len(value) > 0; value = value[8:] {
				o.SACK = append(o.SACK, [2]uint32{binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])})
			}
		}
	}
	return o
}
