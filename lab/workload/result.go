package workload

import (
	"cmp"
	"slices"
	"time"
)

// Result is what came out of one run.
type Result struct {
	Figures []Figure `json:"figures,omitempty"`
	Samples []Sample `json:"samples,omitempty"`
	Slowest *Message `json:"slowest,omitempty"` // nil where it has no messages
}

// The units of figures and samples.
const (
	Count   = ""      // a number of things
	Seconds = "s"     // time
	Bits    = "bit/s" // a rate
	Share   = "%"     // hundredths
	Ratio   = "×"     // how many times as much
)

// Figure is one number.
type Figure struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	Value float64 `json:"value"`

	// Of is the figure for which this is what a formula says; "" where it was
	// measured.
	Of string `json:"of,omitempty"`
}

// Sample is a distribution.
type Sample struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit,omitempty"`
	Values []float64 `json:"values"` // sorted
}

// Message is one message, and how to find it among a world's events.
type Message struct {
	From string `json:"from"` // hosts
	To   string `json:"to"`

	// What was said: the event's name, and text that its preview in the
	// recorder's events contains and no other's does.
	Event string `json:"event,omitempty"`
	Text  string `json:"text"`

	// When it was given to the sender's library, and when the receiver's gave it
	// to the program; since the world began, nanoseconds.
	Sent     time.Duration `json:"sent"`
	Received time.Duration `json:"received"`
}

// Latency is how long it took.
func (m *Message) Latency() time.Duration { return m.Received - m.Sent }

// figure adds one that was measured.
func (r *Result) figure(name, unit string, value float64) {
	r.Figures = append(r.Figures, Figure{Name: name, Unit: unit, Value: value})
}

// theory adds what a formula says of a figure.
func (r *Result) theory(name, of, unit string, value float64) {
	r.Figures = append(r.Figures, Figure{Name: name, Of: of, Unit: unit, Value: value})
}

// observe adds a value to the sample of that name.
func (r *Result) observe(name, unit string, value float64) {
	i := slices.IndexFunc(r.Samples, func(s Sample) bool { return s.Name == name })
	if i < 0 {
		i = len(r.Samples)
		r.Samples = append(r.Samples, Sample{Name: name, Unit: unit})
	}
	r.Samples[i].Values = append(r.Samples[i].Values, value)
}

// took adds a message's latency to the sample of that name, and keeps the slowest.
func (r *Result) took(name string, m Message) {
	r.observe(name, Seconds, m.Latency().Seconds())
	if r.Slowest == nil || m.before(r.Slowest) {
		r.Slowest = &m
	}
}

// before orders messages, the slowest first; those as slow by what they are, so
// that which of two came first at the same instant makes no difference.
func (m *Message) before(o *Message) bool {
	return cmp.Or(cmp.Compare(o.Latency(), m.Latency()), cmp.Compare(m.Sent, o.Sent), cmp.Compare(m.From, o.From), cmp.Compare(m.To, o.To), cmp.Compare(m.Text, o.Text)) < 0
}

// settle puts the values of samples into an order that is not the scheduler's.
func (r *Result) settle() {
	for _, s := range r.Samples {
		slices.Sort(s.Values)
	}
}
