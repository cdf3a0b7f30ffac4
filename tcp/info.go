package tcp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"strata/trace"
)

// Info is a look at a connection at one moment.
type Info struct {
	Flow trace.Flow

	// Family is "tcp4" or "tcp6", and "tcp" of what listens for both.
	Family string

	// State is by gVisor's names: "LISTEN", "SYN-SENT", "SYN-RCVD",
	// "ESTABLISHED", "FIN-WAIT1", "FIN-WAIT2", "CLOSE-WAIT", "CLOSING",
	// "LAST-ACK", "TIME-WAIT" and "CLOSED", which are the states of RFC 9293
	// §3.3.2 (SYN-RECEIVED, FIN-WAIT-1, …), and "INITIAL", "BOUND",
	// "CONNECTING" and "ERROR" before and after them.
	State string

	RTT      time.Duration // smoothed; 0 before the first measurement (RFC 6298 §2)
	RTTVar   time.Duration // its variation
	RTO      time.Duration // retransmission timeout
	Cwnd     int           // congestion window, segments
	Ssthresh int           // slow start threshold, segments

	CongestionControl string // "reno", "cubic"
	CongestionState   string // "open", "rto-recovery", "fast-recovery", "sack-recovery", "disorder"
	Reordering        bool   // was seen on the path

	SegmentsSent, SegmentsReceived uint64
	Retransmits                    uint64 // segments sent again, for whatever cause
	FastRetransmits                uint64 // of those, on duplicate or selective acknowledgements
	Timeouts                       uint64 // times the RTO expired

	BytesSent, BytesReceived uint64 // payload that the stack took from, gave to the user

	MSS        int  // what the peer announced, bytes; 0 where its SYN was not seen
	SACK       bool // selective acknowledgement agreed on (RFC 2018)
	Timestamps bool // agreed on (RFC 7323 §3)

	// WindowScaling is agreed on (RFC 7323 §2); the shifts are each side's for
	// its own window.
	WindowScaling           bool
	LocalShift, RemoteShift uint8
}

// Info reads the connection's state. Of a connection that was closed only the
// counters are left.
func (c *Conn) Info() Info {
	info := endpointInfo(c.ep)
	c.fill(&info)
	return info
}

// fill adds what the endpoint does not know.
func (c *Conn) fill(info *Info) {
	info.Flow = c.Flow()
	info.BytesSent, info.BytesReceived = c.sent.Load(), c.received.Load()
	info.MSS = int(c.opening.remote.mss)
	info.LocalShift, info.RemoteShift, info.WindowScaling = c.opening.shifts()
}

func endpointInfo(ep *gtcp.Endpoint) Info {
	var info Info
	var local, remote tcpip.FullAddress
	local, _ = ep.GetLocalAddress()
	remote, _ = ep.GetRemoteAddress()
	l, r := tcpAddr(local), tcpAddr(remote)
	info.Flow = trace.FlowOf(&l, &r)

	var o tcpip.TCPInfoOption
	if err := ep.GetSockOpt(&o); err == nil {
		info.State = gtcp.EndpointState(o.State).String()
		info.RTT, info.RTTVar, info.RTO = o.RTT, o.RTTVar, o.RTO
		info.Cwnd, info.Ssthresh = int(o.SndCwnd), int(o.SndSsthresh)
		info.Reordering = o.ReorderSeen
		info.CongestionState = congestionState(o.CcState)
	}
	var cc tcpip.CongestionControlOption
	if err := ep.GetSockOpt(&cc); err == nil {
		info.CongestionControl = string(cc)
	}
	if stats, ok := ep.Stats().(*gtcp.Stats); ok {
		info.SegmentsSent, info.SegmentsReceived = stats.SegmentsSent.Value(), stats.SegmentsReceived.Value()
		info.Retransmits = stats.SendErrors.Retransmits.Value()
		info.FastRetransmits = stats.SendErrors.FastRetransmit.Value()
		info.Timeouts = stats.SendErrors.Timeouts.Value()
	}
	ep.LockUser()
	info.SACK, info.Timestamps = ep.SACKPermitted, ep.SendTSOk
	proto := ep.NetProto
	ep.UnlockUser()
	info.Family = familyOf(info.Flow.Local.Addr(), proto, ep.SocketOptions().GetV6Only())
	return info
}

// familyOf is the network of an endpoint on the address a; without one it may
// be both.
func familyOf(a netip.Addr, proto tcpip.NetworkProtocolNumber, only6 bool) string {
	switch {
	case a.Is4() || !a.IsValid() && proto == ipv4.ProtocolNumber:
		return "tcp4"
	case a.IsValid() || only6:
		return "tcp6"
	}
	return "tcp"
}

func congestionState(s tcpip.CongestionControlState) string {
	switch s {
	case tcpip.Open:
		return "open"
	case tcpip.RTORecovery:
		return "rto-recovery"
	case tcpip.FastRecovery:
		return "fast-recovery"
	case tcpip.SACKRecovery:
		return "sack-recovery"
	case tcpip.Disorder:
		return "disorder"
	}
	return fmt.Sprint(int(s))
}

// String is one line in the words of ss -ti.
func (i Info) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", i.State, i.CongestionControl)
	if i.WindowScaling {
		fmt.Fprintf(&b, " wscale:%d,%d", i.RemoteShift, i.LocalShift)
	}
	if i.SACK {
		b.WriteString(" sack")
	}
	if i.Timestamps {
		b.WriteString(" ts")
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	fmt.Fprintf(&b, " rto:%.3g rtt:%.3g/%.3g", ms(i.RTO), ms(i.RTT), ms(i.RTTVar))
	if i.MSS != 0 {
		fmt.Fprintf(&b, " mss:%d", i.MSS)
	}
	fmt.Fprintf(&b, " cwnd:%d", i.Cwnd)
	if i.Ssthresh != 0 && i.Ssthresh < 1<<30 { // before the first loss it is infinite
		fmt.Fprintf(&b, " ssthresh:%d", i.Ssthresh)
	}
	fmt.Fprintf(&b, " bytes_sent:%d bytes_received:%d segs_out:%d segs_in:%d", i.BytesSent, i.BytesReceived, i.SegmentsSent, i.SegmentsReceived)
	if i.Retransmits != 0 {
		fmt.Fprintf(&b, " retrans:%d fast:%d rtos:%d", i.Retransmits, i.FastRetransmits, i.Timeouts)
	}
	if i.CongestionState != "open" && i.CongestionState != "" {
		fmt.Fprintf(&b, " ca_state:%s", i.CongestionState)
	}
	return b.String()
}
