package trace

import (
	"fmt"
	"time"
)

// Sender is what TCP knows as a sender when it has taken a segment in (RFC 9293
// §3.3.1, RFC 5681 §2, RFC 6298 §2).
type Sender struct {
	Una         uint32        `json:"una"`         // the oldest sequence number not acknowledged
	Nxt         uint32        `json:"nxt"`         // the next to be sent
	Window      uint32        `json:"window"`      // that the peer allows, bytes
	Cwnd        int           `json:"cwnd"`        // congestion window, segments
	Ssthresh    int           `json:"ssthresh"`    // slow start threshold, segments; very large before the first loss
	Outstanding int           `json:"outstanding"` // segments that are thought to be under way
	MSS         int           `json:"mss"`         // payload of a full segment, bytes
	SRTT        time.Duration `json:"srtt"`        // 0 before the first measurement; nanoseconds
	RTTVar      time.Duration `json:"rttvar"`
	RTO         time.Duration `json:"rto"`
	Recovery    bool          `json:"recovery"` // fast recovery is going on
}

// Layer is Transport.
func (Sender) Layer() Layer { return Transport }

// Kind is "sender".
func (Sender) Kind() string { return "sender" }

// String is like "cwnd=10 ssthresh=7 outstanding=3 window=65535 srtt=80ms rto=280ms".
func (s Sender) String() string {
	t := fmt.Sprintf("cwnd=%d", s.Cwnd)
	if s.Ssthresh < 1<<30 {
		t += fmt.Sprintf(" ssthresh=%d", s.Ssthresh)
	}
	t += fmt.Sprintf(" outstanding=%d window=%d srtt=%v rto=%v", s.Outstanding, s.Window, s.SRTT, s.RTO)
	if s.Recovery {
		t += " in recovery"
	}
	return t
}

// Retransmission says of the segment with this sequence number and length, told
// at the same moment, that it was sent before, and why it is sent again.
type Retransmission struct {
	Seq uint32 `json:"seq"`
	Len int    `json:"len"` // payload, bytes
	Why string `json:"why"` // "RTO", "fast" or "probe"
}

// Why a segment is sent again.
const (
	// WhyRTO: the retransmission timer expired (RFC 6298 §5), or recovery from
	// that goes on.
	WhyRTO = "RTO"

	// WhyFast: acknowledgements showed the loss (RFC 5681 §3.2, RFC 6675, RFC
	// 8985 §6), or recovery from that goes on.
	WhyFast = "fast"

	// WhyProbe: nothing was heard for two round trips, so the last segment is
	// sent again to provoke an answer (RFC 8985 §7).
	WhyProbe = "probe"
)

// Layer is Transport.
func (Retransmission) Layer() Layer { return Transport }

// Kind is "retransmission".
func (Retransmission) Kind() string { return "retransmission" }

// String is like "sent again (RTO): seq=1 len=100".
func (r Retransmission) String() string {
	return fmt.Sprintf("sent again (%s): seq=%d len=%d", r.Why, r.Seq, r.Len)
}
