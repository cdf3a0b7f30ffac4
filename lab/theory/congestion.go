package theory

import (
	"math"
	"time"
)

// Losses is how losses are spread.
type Losses float64

// The constants of the square-root formula. Periodic has a loss every 1/p
// segments: Reno's window swings between W/2 and W, each swing lasts W/2 round
// trips in which 3/8·W² = 1/p segments are sent, so that sqrt(3/2p) are sent in
// each (Mathis, Semke, Mahdavi, Ott: The macroscopic behavior of the TCP
// congestion avoidance algorithm, 1997; every segment is acknowledged). Random has
// each segment lost by chance: the windows vary more, and the mean is 1.31/sqrt(p)
// (Ott, Kemperman, Mathis: The stationary behavior of ideal TCP congestion
// avoidance, 1996).
var (
	Periodic = Losses(math.Sqrt(1.5))
	Random   = Losses(1.31)
)

// Mathis is how many segments Reno sends a round trip over a path that loses the
// share p of them, 0 < p < 1. It knows neither timeouts nor buffers: above a few
// percent it promises too much.
func Mathis(p float64, losses Losses) float64 { return float64(losses) / math.Sqrt(p) }

// Path is what Padhye's formula wants to know.
type Path struct {
	Loss float64       // share of segments, 0 < Loss < 1
	RTT  time.Duration // round trip, above 0
	RTO  time.Duration // the first retransmission timeout of a loss

	// MaxWindow is how many segments may be under way at most, which is the
	// receiver's window; 0 is without limit.
	MaxWindow float64
}

// Padhye is how many segments a second Reno sends, timeouts included, where every
// segment is acknowledged (Padhye, Firoiu, Towsley, Kurose: Modeling TCP
// throughput: a simple model and its empirical validation, 1998, equation 30 with
// b = 1).
func Padhye(p Path) float64 {
	rtt, rto := p.RTT.Seconds(), p.RTO.Seconds()
	waits := math.Min(1, 3*math.Sqrt(3*p.Loss/8)) * p.Loss * (1 + 32*p.Loss*p.Loss)
	rate := 1 / (rtt*math.Sqrt(2*p.Loss/3) + rto*waits)
	if p.MaxWindow > 0 {
		rate = math.Min(rate, p.MaxWindow/rtt)
	}
	return rate
}

// RTO is the retransmission timeout on a path whose round trips do not vary much
// (RFC 6298 §2), with the least that gVisor and Linux have in place of the RFC's
// second: 200 ms.
func RTO(rtt, variation time.Duration) time.Duration {
	return max(200*time.Millisecond, rtt+4*variation)
}
