package clock

import "time"

// Real is the loop of real time: the operating system's clock and Go's timers.
func Real() Loop { return realLoop{} }

type realLoop struct{}

func (realLoop) Now() time.Time { return time.Now() }

func (realLoop) At(t time.Time, f func()) Timer {
	return realTimer{time.AfterFunc(time.Until(t), f)}
}

func (realLoop) Touch(Settler) {}

type realTimer struct{ t *time.Timer }

func (t realTimer) Stop() bool         { return t.t.Stop() }
func (t realTimer) Reset(at time.Time) { t.t.Reset(time.Until(at)) }
