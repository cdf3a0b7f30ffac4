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

func (c *stackClock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(c.host.loop.Now().Sub(c.start))
}

func (c *stackClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	loop := c.host.loop
	return stackTimer{loop, loop.At(loop.Now().Add(d), func() {
		f()
		c.host.Touch() // a timer that fired is work
	})}
}

type stackTimer struct {
	loop  clock.Loop
	timer clock.Timer
}

func (t stackTimer) Stop() bool            { return t.timer.Stop() }
func (t stackTimer) Reset(d time.Duration) { t.timer.Reset(t.loop.Now().Add(d)) }
