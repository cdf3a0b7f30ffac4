package workload

import (
	"fmt"
	"time"

	"strata/lab/theory"
)

// heartbeatAdvice is what pairs of pingInterval and pingTimeout mean on the path:
// how long a peer that is gone stays unnoticed, what the pings cost, and how often
// they are wrong.
func heartbeatAdvice(p *Params) *Table {
	pairs := []theory.Heartbeat{
		{Interval: 25 * time.Second, Timeout: 20 * time.Second}, // Socket.IO's defaults
		{Interval: 25 * time.Second, Timeout: 5 * time.Second},
		{Interval: 10 * time.Second, Timeout: 10 * time.Second},
		{Interval: 10 * time.Second, Timeout: 5 * time.Second},
		{Interval: 5 * time.Second, Timeout: 5 * time.Second},
		{Interval: 5 * time.Second, Timeout: 2 * time.Second},
		{Interval: 2 * time.Second, Timeout: time.Second},
	}
	own := theory.Heartbeat{Interval: p.PingInterval, Timeout: p.PingTimeout}
	known := false
	for _, h := range pairs {
		known = known || h == own
	}
	if !known {
		pairs = append([]theory.Heartbeat{own}, pairs...)
	}
	t := &Table{
		Title: fmt.Sprintf("pingInterval and pingTimeout on this path (%s)", p.said()),
		Head:  []string{"interval", "timeout", "noticed within", "on average", "bytes an hour", "false alarms, a client and day"},
		Note: "Formulas: noticed within interval + timeout, interval/2 + timeout on average. A false alarm is a ping or pong lost so often " +
			"that the timeout is over before TCP's retransmission timeouts, each twice the one before, have brought it.",
	}
	loss, ok := lossShare(p.Shape.Loss)
	for _, h := range pairs {
		alarms := "–" // no closed form
		if ok {
			perDay := float64(24*time.Hour) / float64(h.Interval+p.rtt())
			alarms = rare(h.FalseAlarm(loss, p.rtt()) * perDay)
		}
		interval := h.Interval.String()
		if h == own {
			interval += " *"
		}
		t.Rows = append(t.Rows, []string{interval, h.Timeout.String(), h.NoticedWithin().String(), h.NoticedOnAverage().String(), digits(h.BytesAnHour()), alarms})
	}
	return t
}

// rare writes a number that may be very small.
func rare(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 1e-6:
		return "< 0.000001"
	case v < 0.001:
		return fmt.Sprintf("%.6f", v)
	}
	return digits(v)
}

// said is the path in words.
func (p *Params) said() string {
	there, back := p.Shape.String(), p.Back.String()
	switch {
	case there == "" && back == "":
		return "a perfect wire"
	case there == back:
		return there
	case back == "":
		return there + "; back perfect"
	}
	return there + "; back " + back
}
