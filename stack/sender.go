package stack

import (
	"net/netip"

	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"strata/trace"
)

// probe tells of a connection's state as a sender. gVisor calls it when an
// endpoint has taken a segment in, with the endpoint's lock held; what it gives is
// copied also where the recorder does not want to be told.
func (h *Host) probe(s *gtcp.TCPEndpointState) {
	if !trace.Wants(h.rec, trace.Flow{}, trace.Details) {
		return
	}
	local, ok := netip.AddrFromSlice(s.ID.LocalAddress.AsSlice())
	remote, ok2 := netip.AddrFromSlice(s.ID.RemoteAddress.AsSlice())
	if !ok || !ok2 {
		return
	}
	flow := trace.Flow{Local: netip.AddrPortFrom(local, s.ID.LocalPort), Remote: netip.AddrPortFrom(remote, s.ID.RemotePort)}
	if !trace.Wants(h.rec, flow, trace.Details) {
		return
	}
	snd := &s.Sender
	h.rec.Record(trace.Event{
		At:   h.loop.Now(),
		Host: h.name,
		Flow: flow,
		What: trace.Sender{
			Una: uint32(snd.SndUna), Nxt: uint32(snd.SndNxt), Window: uint32(snd.SndWnd),
			Cwnd: snd.SndCwnd, Ssthresh: snd.Ssthresh, Outstanding: snd.Outstanding, MSS: snd.MaxPayloadSize,
			SRTT: snd.RTTState.SRTT, RTTVar: snd.RTTState.RTTVar, RTO: snd.RTO, Recovery: snd.FastRecovery.Active,
		},
	})
}
