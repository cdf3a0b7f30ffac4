package tcp

import (
	"time"

	"strata/trace"
)

// opening is a Handshake as a connection keeps it for as long as it is there: in a
// third of the memory.
type opening struct {
	syn           time.Time     // zero: the handshake was not seen
	synack, ack   time.Duration // after syn
	local, remote side
	active        bool
	simultaneous  bool
}

// side is what one side's SYN or SYN-ACK said.
type side struct {
	isn              uint32
	tsVal, tsEcr     uint32
	mss              uint16
	scale            uint8
	scaled, ts, sack bool // which options there were
}

func (h *Handshake) compact() opening {
	return opening{
		syn: h.SYN, synack: h.SYNACK.Sub(h.SYN), ack: h.ACK.Sub(h.SYN),
		local: sideOf(h.LocalISN, &h.Local), remote: sideOf(h.RemoteISN, &h.Remote),
		active: h.Active, simultaneous: h.Simultaneous,
	}
}

func sideOf(isn uint32, o *trace.Options) side {
	s := side{isn: isn, mss: o.MSS, sack: o.SACKPermitted}
	if s.scaled = o.WindowScale != nil; s.scaled {
		s.scale = *o.WindowScale
	}
	if s.ts = o.Timestamp != nil; s.ts {
		s.tsVal, s.tsEcr = o.Timestamp.Val, o.Timestamp.Ecr
	}
	return s
}

// shifts are those of the windows that each end sends: 0 where not both said that
// they scale (RFC 7323 §2.2).
func (o *opening) shifts() (local, remote uint8, scaled bool) {
	if o.local.scaled && o.remote.scaled {
		return o.local.scale, o.remote.scale, true
	}
	return 0, 0, false
}

func (o *opening) handshake() Handshake {
	if o.syn.IsZero() {
		return Handshake{}
	}
	return Handshake{
		Active: o.active, Simultaneous: o.simultaneous,
		SYN: o.syn, SYNACK: o.syn.Add(o.synack), ACK: o.syn.Add(o.ack),
		LocalISN: o.local.isn, RemoteISN: o.remote.isn,
		Local: o.local.options(), Remote: o.remote.options(),
	}
}

func (s *side) options() trace.Options {
	o := trace.Options{MSS: s.mss, SACKPermitted: s.sack}
	if s.scaled {
		scale := s.scale
		o.WindowScale = &scale
	}
	if s.ts {
		o.Timestamp = &trace.Timestamp{Val: s.tsVal, Ecr: s.tsEcr}
	}
	return o
}
