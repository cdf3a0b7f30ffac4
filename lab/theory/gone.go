package theory

import (
	"math"
	"net"
	"time"
)

// Heartbeat is Engine.IO's (https://socket.io/docs/v4/engine-io-protocol/#heartbeat):
// the server pings Interval after the last answer and waits Timeout for the next;
// the client waits Interval + Timeout for a ping.
type Heartbeat struct{ Interval, Timeout time.Duration }

// Silence is after how long a silence either side gives the other up: the server
// counts from the last answer that it got, the client from the last ping.
func (h Heartbeat) Silence() time.Duration { return h.Interval + h.Timeout }

// NoticedWithin is the longest that it takes the server to notice that a peer is
// gone; NoticedOnAverage the mean, where the peer goes at any time as likely.
func (h Heartbeat) NoticedWithin() time.Duration { return h.Interval + h.Timeout }

// NoticedOnAverage is half of an interval less than NoticedWithin.
func (h Heartbeat) NoticedOnAverage() time.Duration { return h.Interval/2 + h.Timeout }

// BytesAnHour is what the heartbeat of an idle connection costs on the wire, both
// ways: a ping and a pong, each acknowledged, in TCP over IPv4 with timestamps (52
// bytes of headers; 3 and 7 of WebSocket frames, the client's with a mask).
func (h Heartbeat) BytesAnHour() float64 {
	const beat = (52 + 3) + (52 + 7) + 52 // the pong carries the ping's acknowledgement
	return beat * float64(time.Hour) / float64(h.Interval)
}

// FalseAlarm is how likely a single ping goes unanswered in time though the peer
// is there, on a path that loses the share p of packets in either direction and
// has round trips of rtt: ping and pong are sent again after timeouts that double
// (RFC 6298 §5.5), and one of them is lost too often. Tail loss probes, which are
// sooner than the first timeout where round trips are short, are left out.
func (h Heartbeat) FalseAlarm(p float64, rtt time.Duration) float64 {
	if h.Timeout <= rtt {
		return 1
	}
	if p <= 0 {
		return 0
	}
	rto := RTO(rtt, rtt/4).Seconds()
	spare := (h.Timeout - rtt).Seconds()
	// lost is how long it takes longer with the first n tries of a packet lost.
	lost := func(n int) float64 { return rto * (math.Exp2(float64(n)) - 1) }
	inTime := 0.0
	for i := 0; lost(i) <= spare; i++ {
		for j := 0; lost(i)+lost(j) <= spare; j++ {
			inTime += math.Pow(p, float64(i+j)) * (1 - p) * (1 - p)
		}
	}
	return math.Max(0, 1-inTime)
}

// Keepalive is after how long a silence TCP's keepalive gives a peer up: the idle
// time, and as many probes as there are, each waited for as long as the interval
// (RFC 9293 §3.8.4; Linux counts the same).
func Keepalive(k net.KeepAliveConfig) time.Duration {
	return k.Idle + time.Duration(k.Count)*k.Interval
}
