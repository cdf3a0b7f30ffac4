package processors

import (
	"math"
	"time"
)

// meter says how many processors were used since it was last asked.
type meter struct {
	at   time.Time
	cpu  time.Duration // of the program
	rest time.Duration // of the machine's processors, idle
	seen time.Time     // when rest was read; zero: it was not
}

func newMeter() *meter {
	m := new(meter)
	m.used()
	return m
}

// used is how many the program used, in the mean.
func (m *meter) used() float64 {
	now := time.Now()
	cpu, _ := Time()
	used := ratio(cpu-m.cpu, now.Sub(m.at))
	m.at, m.cpu = now, cpu
	return used
}

// unused is how many processors of the machine nobody used, in the mean, since it
// was last asked, or forgot: 0 the first time, and infinite where the system does
// not say.
func (m *meter) unused() float64 {
	rest, ok := idleTime()
	if !ok {
		return math.Inf(1)
	}
	now := time.Now()
	unused := 0.0
	if !m.seen.IsZero() {
		unused = ratio(rest-m.rest, now.Sub(m.seen))
	}
	m.rest, m.seen = rest, now
	return unused
}

// forget has unused begin again: it is asked only where it matters, because a
// machine with many processors takes its time to answer.
func (m *meter) forget() { m.seen = time.Time{} }

func ratio(part, whole time.Duration) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
