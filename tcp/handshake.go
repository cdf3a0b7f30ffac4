package tcp

import (
	"fmt"
	"time"

	"strata/trace"
)

// Handshake is how a connection was opened: the three segments of RFC 9293
// §3.5 as they crossed the host's link. A segment that was sent again counts
// as when it came first. The zero value is a handshake that was not seen, as
// on the loopback or behind a SYN cookie flood.
type Handshake struct {
	Active bool // we sent the SYN

	// Simultaneous says that both sides did (RFC 9293 §3.5, Figure 8). Each
	// answers the other's SYN with a SYN-ACK then, so that SYN and ACK are when
	// we sent ours, and SYNACK is when the peer's answer came.
	Simultaneous bool

	SYN, SYNACK, ACK time.Time // on the host's clock

	LocalISN, RemoteISN uint32 // initial sequence numbers

	// Local and Remote are the options that each side put into its SYN or
	// SYN-ACK. What both have is agreed on.
	Local, Remote trace.Options
}

// RTT is the first measure of the path: from SYN to SYN-ACK where we dialled,
// from SYN-ACK to ACK where we listened.
func (h Handshake) RTT() time.Duration {
	if h.Active {
		return h.SYNACK.Sub(h.SYN)
	}
	return h.ACK.Sub(h.SYNACK)
}

// String is like "SYN +0s, SYN-ACK +1.2ms, ACK +1.3ms; local mss=1460 ws=7
// sackOK ts=10/0; remote mss=1460 ws=7 sackOK ts=20/10".
func (h Handshake) String() string {
	if h.SYN.IsZero() {
		return "handshake not seen"
	}
	how := ""
	if h.Simultaneous {
		how = "simultaneous: "
	}
	return fmt.Sprintf("%sSYN +0s, SYN-ACK +%v, ACK +%v; local %v; remote %v", how, h.SYNACK.Sub(h.SYN), h.ACK.Sub(h.SYN), h.Local, h.Remote)
}
