package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"strata/lab/workload"
)

func set(axis, value string) workload.Setting { return workload.Setting{Axis: axis, Value: value} }

// On a path without loss time to first event is exactly so many round trips.
func TestHandshakesTakeTheirRoundTrips(t *testing.T) {
	r := run(t, "handshake", 1, set("delay", "40ms"))
	const rtt = 0.080
	for expr, trips := range map[string]float64{
		"max(tcp)": 2, "max(tls)": 3, "max(websocket)": 3, "max(wss)": 4, "max(socket.io)": 4, "max(polling)": 5,
	} {
		require.InDelta(t, trips*rtt, value(t, r, expr), 1e-9, expr)
	}
	require.GreaterOrEqual(t, value(t, r, "max(upgraded)"), 5*rtt)
}

// Whoever notices that a peer is gone does so after the silence that the protocol
// promises, whatever moment of a round it was: Engine.IO after pingInterval +
// pingTimeout on both sides, TCP's keepalive after the idle time and its probes.
// The user timeout is counted from the tail loss probe, which is 200 ms and two
// round trips behind the data. WebSocket's pings look once an interval.
func TestHalfOpenKeepsToTheFormulas(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		r := run(t, "half-open", seed, set("delay", "30ms"), set("ping-interval", "7s"), set("ping-timeout", "3s"), set("keepalive", "10s/4s/3"), set("user-timeout", "8s"))
		require.InDelta(t, 10, value(t, r, "server silence"), 0.001)
		require.InDelta(t, 10, value(t, r, "client silence"), 0.001)
		require.Equal(t, value(t, r, "interval+timeout"), 10.0)
		require.InDelta(t, 22, value(t, r, "keepalive silence"), 0.001)
		require.Equal(t, value(t, r, "idle+count×interval"), 22.0)
		require.InDelta(t, 8, value(t, r, "user timeout"), 0.2+2*0.060+0.001)
		require.Zero(t, value(t, r, "unnoticed"))
		// After the cut it takes between the timeout, where a ping was about to
		// leave, and all of it.
		for _, who := range []string{"server", "client"} {
			after := value(t, r, "max("+who+")")
			require.GreaterOrEqual(t, after, 3-0.030, who)
			require.LessOrEqual(t, after, 10+0.030, who)
		}
		require.LessOrEqual(t, value(t, r, "websocket silence"), 2*7.0+3)
		require.GreaterOrEqual(t, value(t, r, "websocket silence"), 7.0+3)
	}
}

// A transfer keeps to the square-root formula, as TestRenoKeepsToTheSquareRootFormula
// in package lab has it for longer ones: of 30 losses the mean is known to a half
// divided by sqrt(30), 9 %, three of which are allowed, and the fifth of there.
func TestBulkIsBesideItsFormula(t *testing.T) {
	r := run(t, "bulk", 1, set("loss", "1%"), set("delay", "30ms 2ms"), set("size", "4m"))
	require.InEpsilon(t, value(t, r, "square root"), value(t, r, "goodput"), 0.3)
	require.Zero(t, value(t, r, "unfinished"))

	r = run(t, "bulk", 1, set("loss", "0"), set("delay", "10ms"), set("rate", "10mbit"))
	require.LessOrEqual(t, value(t, r, "goodput"), value(t, r, "rate")*1.0001, "a line is never faster than its rate")
	require.Greater(t, value(t, r, "goodput"), value(t, r, "rate")*0.95)
}

// Small events wait for a file on their own connection, and not on another.
func TestHeadOfLineShows(t *testing.T) {
	r := run(t, "head-of-line", 1, set("loss", "0"), set("rate", "10mbit"), set("delay", "25ms"), set("size", "1m"))
	// The file takes 0.84 s at 10 Mbit/s; who waits for all that is left of it
	// waits for half of that in the mean.
	require.Greater(t, value(t, r, "mean(one connection)"), 0.3)
	// On its own connection an event waits for the wire's queue at most, of 100
	// packets of 1.2 ms; or it is itself what the queue had no room for.
	require.Less(t, value(t, r, "p50(two connections)"), 0.025+0.120+0.010)
	require.Greater(t, value(t, r, "times as long"), 3.0)
	require.Zero(t, value(t, r, "lost"))
}

// Jitter spreads those who come back: without it all try at the same moment.
func TestJitterSpreadsAStorm(t *testing.T) {
	alone := run(t, "reconnect-storm", 1, set("randomization", "0"), set("clients", "20"))
	require.Equal(t, 20.0, value(t, alone, "at once"))
	spread := run(t, "reconnect-storm", 1, set("clients", "20"))
	require.Less(t, value(t, spread, "at once"), 12.0)
	for _, r := range []*workload.Result{alone, spread} {
		require.Zero(t, value(t, r, "never"))
		// Every 5 s and a half of that, and a connection.
		require.LessOrEqual(t, value(t, r, "max(back)"), 7.5+0.5)
	}
}
