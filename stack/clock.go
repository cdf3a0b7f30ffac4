package stack

import (
	"time"
	"unsafe"

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
	return monotonic(clock.Since(c.host.loop, c.start))
}

// monotonic is MonotonicTime{}.Add(d), which takes longer than reading the clock:
// it goes by way of time.Time, of which a duration is made again.
func monotonic(d time.Duration) tcpip.MonotonicTime {
	return *(*tcpip.MonotonicTime)(unsafe.Pointer(&d))
}

// A MonotonicTime is its nanoseconds and nothing else; a test compares the values.
var _ [unsafe.Sizeof(tcpip.MonotonicTime{})]byte = [unsafe.Sizeof(time.Duration(0))]byte{}

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
