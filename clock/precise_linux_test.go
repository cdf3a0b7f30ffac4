package clock_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/clock"
)

// Calls run in the order of their times, never before them, also where they were
// asked for in another; and when the last has run, no goroutine is left.
func TestPreciseRunsInTime(t *testing.T) {
	before := goleak.IgnoreCurrent()
	loop := clock.Precise(clock.Real())
	start := loop.Now().Add(200 * time.Millisecond) // until when all have been asked for
	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	for _, ms := range []int{8, 2, 6, 4, 2, 0} {
		wg.Add(1)
		due := start.Add(time.Duration(ms) * time.Millisecond)
		loop.At(due, func() {
			defer wg.Done()
			if time.Now().Before(due) {
				t.Errorf("%d ms: too early", ms)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, ms)
		})
	}
	wg.Wait()
	require.True(t, slices.IsSorted(order), "%v", order)
	goleak.VerifyNone(t, before)
}

// A timer may be stopped, moved nearer while the thread sleeps, moved away, and
// used again after it has run.
func TestPreciseStopAndReset(t *testing.T) {
	before := goleak.IgnoreCurrent()
	loop := clock.Precise(clock.Real())
	ran := make(chan string, 10)
	far := loop.At(loop.Now().Add(time.Hour), func() { ran <- "far" })
	never := loop.At(loop.Now().Add(2*time.Millisecond), func() { ran <- "never" })
	require.True(t, never.Stop())
	require.False(t, never.Stop(), "it was stopped already")
	far.Reset(loop.Now().Add(time.Millisecond))
	require.Equal(t, "far", <-ran)
	require.False(t, far.Stop(), "it has run")
	far.Reset(loop.Now())
	require.Equal(t, "far", <-ran)

	now := loop.At(loop.Now(), func() { ran <- "now" })
	require.Equal(t, "now", <-ran)
	now.Reset(loop.Now().Add(time.Millisecond))
	require.Equal(t, "now", <-ran)
	now.Reset(loop.Now().Add(time.Hour))
	require.True(t, now.Stop(), "or the thread would sleep for an hour")
	require.Empty(t, ran)
	goleak.VerifyNone(t, before)
}

// A call that waits for another does not keep it from running, though both are
// for the same thread.
func TestPreciseCallMayBlock(t *testing.T) {
	before := goleak.IgnoreCurrent()
	loop := clock.Precise(clock.Real())
	released, done := make(chan struct{}), make(chan struct{})
	loop.At(loop.Now().Add(time.Millisecond), func() { <-released; close(done) })
	loop.At(loop.Now().Add(2*time.Millisecond), func() { close(released) })
	<-done
	goleak.VerifyNone(t, before)
}

// Where time is not the system's, nothing changes.
func TestPreciseIsForRealTime(t *testing.T) {
	other := &struct{ clock.Loop }{clock.Real()}
	require.Equal(t, clock.Loop(other), clock.Precise(other))
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, clock.Real(), clock.Precise(clock.Real()))
		start, done := time.Now(), make(chan time.Duration)
		loop := clock.Precise(clock.Real())
		loop.At(start.Add(time.Hour), func() { done <- time.Since(start) })
		require.Equal(t, time.Hour, <-done)
	})
}

// How late calls are that are asked for 10,000 times a second: the runtime's
// timers beside the thread of our own.
func BenchmarkLateness(b *testing.B) {
	for name, loop := range map[string]clock.Loop{"runtime": clock.Real(), "precise": clock.Precise(clock.Real())} {
		b.Run(name, func(b *testing.B) {
			const gap = 100 * time.Microsecond
			late := make([]time.Duration, 0, b.N)
			done := make(chan struct{})
			due := loop.Now().Add(time.Millisecond)
			var timer clock.Timer
			ready := make(chan struct{})
			timer = loop.At(due, func() {
				<-ready
				late = append(late, time.Since(due))
				if len(late) == b.N {
					close(done)
					return
				}
				// What has passed meanwhile is not made up for: lateness would
				// count twice.
				for due = due.Add(gap); time.Until(due) <= 0; due = due.Add(gap) {
				}
				timer.Reset(due)
			})
			close(ready)
			<-done
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Nanoseconds())/1e3, "p50-µs")
			b.ReportMetric(float64(late[len(late)*99/100].Nanoseconds())/1e3, "p99-µs")
			b.ReportMetric(float64(late[len(late)-1].Nanoseconds())/1e3, "max-µs")
		})
	}
}
