package scenario

import (
	_ "embed" // the commented example
	"fmt"
	"time"

	"strata/lab/workload"
	"strata/link"
)

// Scenario is a network test.
type Scenario struct {
	Name     string
	Seeds    int // at least 1
	Hosts    []string
	Wires    []Wire
	Timeline []Event // in the order of the file
	Workload *workload.Workload
	Settings []workload.Setting // of the workload
	Server   string
	Clients  []string
	Expect   []Expectation
}

// Wire joins two hosts.
type Wire struct {
	A, B  string
	AB    link.Shape // what it does to A's packets
	BA    link.Shape
	hasAB bool
	hasBA bool
}

// Example is a scenario with comments, to begin one's own with.
//
//go:embed example.yaml
var Example []byte

// Error is a mistake in a scenario's file.
type Error struct {
	File   string
	Line   int // from 1; 0 is the whole file
	Reason string
}

// Error is like "scenario.yaml:12: …".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// ExitCode is that of a command that was given such a file.
func (e *Error) ExitCode() int { return 2 }

// Event is something that happens to the network.
type Event struct {
	At   time.Duration // since the world began
	For  time.Duration // until it is undone; 0 is never
	Do   Action
	From string // the hosts between whom, or
	To   string
	Both bool       // both directions
	Cut  []string   // of a partition: the hosts that are cut off
	New  link.Shape // of a new shape
	Text string     // as it was written
}

// Action is what happens.
type Action int

// The actions.
const (
	Blackhole Action = iota // what is sent is swallowed
	Down                    // as if the cable was pulled
	Partition               // hosts are cut off from all others
	Reshape                 // another shape
)
