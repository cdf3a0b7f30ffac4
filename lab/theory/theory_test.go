package theory_test

import (
	"math"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab/theory"
)

// At little loss timeouts are rare and Padhye's formula is Mathis's; with much it
// promises less, and a window bounds it.
func TestPadhyeIsMathisWhereTimeoutsAreRare(t *testing.T) {
	path := theory.Path{Loss: 1e-6, RTT: 100 * time.Millisecond, RTO: 300 * time.Millisecond}
	require.InEpsilon(t, theory.Mathis(path.Loss, theory.Periodic)/0.1, theory.Padhye(path), 0.01)
	path.Loss = 0.1
	require.Less(t, theory.Padhye(path), theory.Mathis(path.Loss, theory.Periodic)/0.1*0.6)
	path.Loss, path.MaxWindow = 1e-6, 20
	require.Equal(t, 200.0, theory.Padhye(path))
}

// The share of false alarms is a probability that falls with the timeout and rises
// with the loss; for a timeout with room for no repetition it is that of any of
// two packets lost.
func TestFalseAlarms(t *testing.T) {
	rtt := 100 * time.Millisecond
	beat := theory.Heartbeat{Interval: time.Second, Timeout: 150 * time.Millisecond}
	require.InDelta(t, 1-0.9*0.9, beat.FalseAlarm(0.1, rtt), 1e-12)
	last := 1.0
	for beat.Timeout = 200 * time.Millisecond; beat.Timeout < time.Minute; beat.Timeout *= 2 {
		got := beat.FalseAlarm(0.1, rtt)
		require.LessOrEqual(t, got, last)
		require.Less(t, beat.FalseAlarm(0.05, rtt), got+1e-15)
		require.False(t, got < 0 || math.IsNaN(got))
		last = got
	}
	require.Less(t, last, 1e-6)
	require.Zero(t, beat.FalseAlarm(0, rtt))
	require.Equal(t, 1.0, theory.Heartbeat{Timeout: rtt}.FalseAlarm(0, rtt))
}

// Engine.IO's defaults notice within 45 s, 32.5 s on average; Go's keepalive
// within 150 s.
func TestDefaultsNotice(t *testing.T) {
	beat := theory.Heartbeat{Interval: 25 * time.Second, Timeout: 20 * time.Second}
	require.Equal(t, 45*time.Second, beat.NoticedWithin())
	require.Equal(t, 32500*time.Millisecond, beat.NoticedOnAverage())
	require.Equal(t, 150*time.Second, theory.Keepalive(net.KeepAliveConfig{Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 9}))
}
