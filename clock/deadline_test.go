package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/clock"
)

// steppedLoop is a loop by hand with one timer. Its clock may be set back, as a
// wall clock may.
type steppedLoop struct {
	now time.Time
	at  time.Time // zero: nothing is asked for
	f   func()
}

func (l *steppedLoop) Now() time.Time      { return l.now }
func (l *steppedLoop) Touch(clock.Settler) {}
func (l *steppedLoop) Reset(t time.Time)   { l.at = t }

func (l *steppedLoop) Stop() bool {
	was := !l.at.IsZero()
	l.at = time.Time{}
	return was
}

func (l *steppedLoop) At(t time.Time, f func()) clock.Timer {
	l.at, l.f = t, f
	return l
}

// fire makes the call that was asked for, whatever the clock says.
func (l *steppedLoop) fire() {
	l.at = time.Time{}
	l.f()
}

// A timer counts time as it passes; where the wall clock is set back meanwhile,
// it fires before a deadline that was given by the wall clock. Who waits is woken
// when the deadline comes, not never.
func TestDeadlineOutlastsAClockThatIsSetBack(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	loop := &steppedLoop{now: start}
	var d clock.Deadline
	woken := 0
	by := start.Add(time.Second)
	d.Set(loop, by, func() { woken++ })
	require.Equal(t, by, loop.at)

	loop.now = start.Add(-time.Hour)
	loop.fire()
	require.False(t, d.Expired(), "it is not due by the clock that set it")
	require.Zero(t, woken)
	require.Equal(t, by, loop.at, "the timer is asked for again")

	loop.now = by
	loop.fire()
	require.True(t, d.Expired())
	require.Equal(t, 1, woken)
	require.Zero(t, loop.at, "and not once more")

	// A call that was on its way when the deadline was taken away does nothing.
	d.Set(loop, by.Add(time.Second), func() { woken++ })
	d.Set(loop, time.Time{}, func() { woken++ })
	loop.fire()
	require.False(t, d.Expired())
	require.Zero(t, loop.at)
	require.Equal(t, 1, woken)
}
