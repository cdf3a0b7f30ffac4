package link

import (
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Match says whether a packet is of a kind. The functions below are matches,
// and any func(*View) bool is.
type Match func(v *View) bool

// flags says that of the TCP flags in of those in are are set and no others.
func flags(v *View, of, are header.TCPFlags) bool {
	return v.TCP != nil && v.TCP.Flags()&of == are
}

// SYN matches the first step of the handshake.
func SYN(v *View) bool {
	return flags(v, header.TCPFlagSyn|header.TCPFlagAck, header.TCPFlagSyn)
}

// SYNACK matches the second step of the handshake.
func SYNACK(v *View) bool {
	const both = header.TCPFlagSyn | header.TCPFlagAck
	return flags(v, both, both)
}

// HandshakeACK matches the third step of the handshake: the ACK of the SYN-ACK
// without data. The rule must have been there when the SYN passed.
func HandshakeACK(v *View) bool { return v.Stream.HandshakeACK }

// Data matches TCP segments with data.
func Data(v *View) bool { return v.TCP != nil && v.PayloadLen > 0 }

// ACK matches TCP segments that only acknowledge: no data, SYN, FIN or RST.
func ACK(v *View) bool {
	return v.PayloadLen == 0 && flags(v, header.TCPFlagSyn|header.TCPFlagFin|header.TCPFlagRst|header.TCPFlagAck, header.TCPFlagAck)
}

// FIN matches TCP segments that end their side's stream, with data or without.
func FIN(v *View) bool { return flags(v, header.TCPFlagFin, header.TCPFlagFin) }

// RST matches resets.
func RST(v *View) bool { return flags(v, header.TCPFlagRst, header.TCPFlagRst) }

// Retransmission matches TCP segments with data, SYN or FIN that begin with what
// was sent before, as far as the rules have seen it.
func Retransmission(v *View) bool { return v.Stream.Retransmission }

// UDP matches UDP datagrams.
func UDP(v *View) bool { return v.UDP != nil }

// ICMP matches ICMP of both versions, neighbour discovery included.
func ICMP(v *View) bool { return v.ICMPv4 != nil || v.ICMPv6 != nil }

// FromA matches what A's end sends.
func FromA(v *View) bool { return v.FromA }

// FromB matches what B's end sends.
func FromB(v *View) bool { return !v.FromA }

// Both matches what both match.
func Both(a, b Match) Match { return func(v *View) bool { return a(v) && b(v) } }

// Not matches what m does not.
func Not(m Match) Match { return func(v *View) bool { return !m(v) } }
