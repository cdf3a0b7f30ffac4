package tcp

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/seqnum"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"strata/link"
	"strata/trace"
)

// maxSenders bounds the connections whose retransmissions are followed; the
// oldest is forgotten for the newest.
const maxSenders = 1 << 16

// maxOutstanding is more than is sent and not yet acknowledged, bytes: the largest
// window (RFC 7323 §2.3).
const maxOutstanding = 1 << 30

// senders follow what a host's connections send, to tell why a segment is sent
// again. There are some only where the host tells details.
type senders struct {
	mu    sync.Mutex
	flows map[trace.Flow]*sender
	order []trace.Flow // a ring, oldest at next
	next  int
}

// sender is one connection's.
type sender struct {
	stats    *gtcp.Stats // nil while the handshake is going on
	timeouts uint64      // until now

	nxt seqnum.Value // the next to be sent
	una seqnum.Value // the oldest not acknowledged

	// What was sent while the recorder did not want to know ends at missed. unsure
	// is set until that is acknowledged: why it is sent again is not known.
	unsure bool
	missed seqnum.Value

	why   string       // of the recovery that is going on; empty where none is
	until seqnum.Value // which ends when this is acknowledged
}

// follow has the retransmissions of an open connection told from those of its
// handshake.
func (s *senders) follow(flow trace.Flow, stats *gtcp.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if snd := s.flows[flow]; snd != nil {
		snd.stats = stats
		snd.timeouts = stats.SendErrors.Timeouts.Value()
	}
}

// see looks at a segment that passes the host's link; why says of one that goes
// out why, where it was sent before. Of connections that rec does not want details
// of it looks at the SYNs only.
func (s *senders) see(rec trace.Recorder, dir trace.Direction, v *link.View) (flow trace.Flow, why string) {
	flags, seq := v.TCP.Flags(), seqnum.Value(v.TCP.SequenceNumber())
	opens := flags&header.TCPFlagSyn != 0
	if !opens && !trace.Wants(rec, trace.Flow{}, trace.Details) {
		return flow, ""
	}
	src, dst := v.Addrs()
	flow = trace.Flow{Local: src, Remote: dst}
	if dir == trace.In {
		flow = flow.Reverse()
	}
	if !opens && !trace.Wants(rec, flow, trace.Details) {
		return flow, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snd := s.flows[flow]
	switch {
	case dir == trace.In:
		if ack := seqnum.Value(v.TCP.AckNumber()); snd != nil && flags&header.TCPFlagAck != 0 && snd.una.LessThan(ack) && ack.LessThanEq(snd.nxt) {
			snd.una = ack
			snd.unsure = snd.unsure && ack.LessThan(snd.missed)
		}
		return flow, ""
	case opens:
		if snd != nil && snd.nxt == seq+1 {
			return flow, trace.WhyRTO
		}
		s.put(flow, &sender{nxt: seq + 1, una: seq})
		return flow, ""
	case snd == nil:
		return flow, ""
	}
	end := seq.Add(seqnum.Size(v.PayloadLen))
	if flags&header.TCPFlagFin != 0 {
		end++
	}
	if end == seq { // an acknowledgement or a keepalive probe
		return flow, ""
	}
	return flow, snd.sends(seq, end)
}

// sends says why the bytes from seq up to end are sent again; empty where they
// are sent for the first time.
func (s *sender) sends(seq, end seqnum.Value) string {
	expired := false
	if s.stats != nil {
		t := s.stats.SendErrors.Timeouts.Value()
		expired, s.timeouts = t > s.timeouts, t
	}
	before := seq.Size(s.nxt) // modulo 2^32: what lies beyond is far before
	switch {
	case before == 0:
		s.nxt = end
		return ""
	case before > maxOutstanding: // TCP leaves no gap: it is in what we have seen
		s.una, s.nxt, s.why, s.unsure, s.missed = seq-1, end, "", true, seq
		return ""
	case s.unsure && seq.LessThan(s.missed) && !expired:
		return ""
	}
	if s.why != "" && !s.una.LessThan(s.until) {
		s.why = ""
	}
	switch {
	case expired:
		s.why, s.until = trace.WhyRTO, s.nxt
	case s.why != "":
	case end == s.nxt:
		// Behind the last one nothing is there that could be acknowledged and so
		// show its loss: it is a probe, with which no recovery begins.
		return trace.WhyProbe
	default:
		s.why, s.until = trace.WhyFast, s.nxt
	}
	if s.nxt.LessThan(end) {
		s.nxt = end
	}
	return s.why
}

func (s *senders) put(flow trace.Flow, snd *sender) {
	if s.flows == nil {
		s.flows = map[trace.Flow]*sender{}
	}
	if _, known := s.flows[flow]; !known {
		if len(s.order) < maxSenders {
			s.order = append(s.order, flow)
		} else {
			delete(s.flows, s.order[s.next])
			s.order[s.next] = flow
			s.next = (s.next + 1) % maxSenders
		}
	}
	s.flows[flow] = snd
}
