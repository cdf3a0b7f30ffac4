package stack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"strata/clock"
)

// stackClock is the host's loop as gVisor's stack wants it.
type stackClock struct {
	host  *Host
	start time.Time
}

var _ tcpip.Clock = (*stackClock)(nil)

func (c *stackClock) Now() time.Time { return c.host.loop.Now() }

// NowMonotonic is what the stack asks for with every segment, several times.
func (c *stackClock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(clock.Since(c.host.loop, c.start))
}

// in is the instant that is d from now.
func (c *stackClock) in(d time.Duration) time.Time {
	return c.start.Add(clock.Since(c.host.loop, c.start) + d)
}

func (c *stackClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	return stackTimer{c, c.host.loop.At(c.in(d), func() {
		f()
		c.host.Touch() // a timer that fired is work
	})}
}

type stackTimer struct {
	clock *stackClock
	timer clock.Timer
}

func (t stackTimer) Stop() bool            { return t.timer.Stop() }
func (t stackTimer) Reset(d time.Duration) { t.timer.Reset(t.clock.in(d)) }
