package experiment

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"strata/lab/workload"
	"strata/trace"
	"strata/trace/explain"
)

// maxHops bounds how often a message is passed on before it is where it was
// going: by a chat's server once.
const maxHops = 4

var errUntold = errors.New("it is not in the recording")

// Explain is a [workload.Explainer]: it explains a message by way of trace/explain. Where too little was recorded
// for that it says so, and tells the timeline instead.
func Explain(r *workload.Recording, m workload.Message) (*workload.Explanation, error) {
	x, err := joined(r, m)
	if err == nil {
		return x, nil
	}
	reason := "not explained: " + err.Error()
	if x, err = workload.Timeline(r, m); err == nil {
		x.Lines = append([]string{reason}, x.Lines...)
	}
	return x, err
}

// joined explains the message itself where one host sent it to the other, else
// what it was passed on as, hop by hop, and the time that the programs took in
// between.
func joined(r *workload.Recording, m workload.Message) (*workload.Explanation, error) {
	story := explain.Join(r.Events)
	x := &workload.Explanation{}
	now, end := r.Began.Add(m.Sent), r.Began.Add(m.Received)
	add := func(name string, until time.Time) {
		if until.After(now) {
			x.Parts = append(x.Parts, workload.Part{Name: name, Took: until.Sub(now)})
			now = until
		}
	}
	at := m.From
	for hop := 0; hop == 0 || at != m.To; hop++ {
		next := hopFrom(story, at, m, now, end)
		if next == nil || hop == maxHops {
			return nil, fmt.Errorf("%q from %s: %w", m.Text, at, errUntold)
		}
		e, err := next.Explain()
		if err != nil {
			return nil, fmt.Errorf("%v from %s: %w", next.What, at, err)
		}
		add(explain.Program, next.Sent)
		for _, p := range e.Parts {
			add(p.Name, p.To)
		}
		x.Lines = append(x.Lines, strings.Split(e.String(), "\n")...)
		at = next.Receiver()
	}
	add(explain.Program, end)
	return x, nil
}

// hopFrom is the first message with the text that a host sent in a time: the one
// to where it is going, where there is one.
func hopFrom(s *explain.Story, host string, m workload.Message, from, until time.Time) (first *explain.Message) {
	for _, c := range s.Messages {
		if c.Sender() != host || c.Sent.Before(from) || c.Received.IsZero() || c.Received.After(until) || !says(c, m.Text) {
			continue
		}
		switch {
		case first == nil,
			c.Receiver() == m.To && first.Receiver() != m.To:
			first = c
		}
	}
	return first
}

// says whether a message is one of the highest layer, and has the text.
func says(c *explain.Message, text string) bool {
	switch what := c.What.(type) {
	case trace.Message:
		return strings.Contains(what.Preview, text)
	case trace.Frame:
		return len(c.Carries) == 0 && strings.Contains(what.Preview, text)
	}
	return false
}
