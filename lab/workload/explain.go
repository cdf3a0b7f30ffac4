package workload

import (
	"fmt"
	"sync"
	"time"

	"strata/trace"
)

// Explanation is why a message took as long as it did.
type Explanation struct {
	Parts []Part   `json:"parts,omitempty"` // of the latency, in their order; none where it is not known
	Lines []string `json:"lines,omitempty"` // the story, a line each
}

// Part is a part of a latency.
type Part struct {
	Name string        `json:"name"`
	Took time.Duration `json:"took"` // nanoseconds
}

// Explainer finds out from what a world's floors reported why a message took as
// long as it did.
type Explainer func(r *Recording, m Message) (*Explanation, error)

// Recording is what a world's floors reported. It is a recorder; the first
// MaxEvents are kept.
type Recording struct {
	Began   time.Time // of the world: what a Message's times count from
	Events  []trace.Event
	Dropped int // events beyond MaxEvents

	mu sync.Mutex
}

// MaxEvents bounds a Recording.
const MaxEvents = 500_000

// Record implements trace.Recorder.
func (r *Recording) Record(e trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Events) == MaxEvents {
		r.Dropped++
		return
	}
	r.Events = append(r.Events, e)
}

// timelineLines bounds what Timeline tells.
const timelineLines = 40

// Timeline is an Explainer that tells what the message's two hosts saw while it
// was under way, and draws no conclusion.
func Timeline(r *Recording, m Message) (*Explanation, error) {
	x := &Explanation{}
	left := 0
	for _, e := range r.Events {
		at := e.At.Sub(r.Began)
		if at < m.Sent || at > m.Received || e.Host != m.From && e.Host != m.To {
			continue
		}
		if len(x.Lines) == timelineLines {
			left++
			continue
		}
		x.Lines = append(x.Lines, fmt.Sprintf("%s %s %s: %s", Format((at-m.Sent).Seconds(), Seconds), e.Host, e.Dir, e.What))
	}
	if left > 0 {
		x.Lines = append(x.Lines, fmt.Sprintf("… and %d more", left))
	}
	return x, nil
}
