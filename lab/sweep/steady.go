package sweep

import (
	"encoding/json"
	"time"

	"strata/processors"
)

// A world in virtual time repeats as long as the machine lets it run. Where it is
// so busy that the process has to wait for a processor, Go's scheduler takes
// goroutines for greedy that have run for ten milliseconds of the wall's clock,
// and lets others go first; what is ready at the same instant then changes places.

// greedy is after how long Go's scheduler takes a goroutine off its processor
// (runtime's forcePreemptNS).
const greedy = 10 * time.Millisecond

// maxRuns bounds how often a cell is run for two runs that agree.
const maxRuns = 8

// steadily runs a cell until it has run without having had to wait for as long
// as the scheduler bears, or until two runs agree.
func steadily(run func() Answer) Answer { return agreeing(run, waited) }

// waited is how long the process could not run while f did.
func waited(f func()) time.Duration {
	cpu, ok := processors.Time()
	begun := time.Now()
	f()
	took := time.Since(begun)
	after, _ := processors.Time()
	if !ok {
		return 0 // not known here
	}
	return took - (after - cpu)
}

func agreeing(run func() Answer, waited func(f func()) time.Duration) Answer {
	var a Answer
	seen := map[string]bool{}
	for range maxRuns {
		if waited(func() { a = run() }) < greedy {
			return a
		}
		outcome, err := json.Marshal(a.Outcome)
		if err != nil || seen[string(outcome)] {
			return a
		}
		seen[string(outcome)] = true
	}
	return a
}
