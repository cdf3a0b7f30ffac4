package sweep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"strata/lab/kernel"
	"strata/lab/scenario"
	"strata/lab/workload"
	"strata/trace/ladder"
)

// Job is a cell to run, and what is wanted beside its result.
type Job struct {
	Cell     Cell   `json:"cell"`
	Scenario string `json:"scenario,omitempty"` // the file's text, of which the cell is but the seed; "" is none

	Explain bool    `json:"explain,omitempty"` // the slowest message
	Ladder  *Ladder `json:"ladder,omitempty"`  // the timeline; nil is none
	Capture string  `json:"capture,omitempty"` // a file for all packets (pcapng), each with what its part was
	Page    string  `json:"page,omitempty"`    // a file for the story as a page (HTML)
}

// Ladder says how a timeline is drawn.
type Ladder struct {
	Width int    `json:"width"` // columns; 0 is 100
	Color bool   `json:"color"`
	Host  string `json:"host,omitempty"` // whose it is; "" is the server's
}

// Answer is what came of a job.
type Answer struct {
	Outcome
	Explanation *workload.Explanation `json:"explanation,omitempty"`
	Timeline    string                `json:"timeline,omitempty"`
}

// maxLine bounds a line between the sweep and its workers, bytes.
const maxLine = 256 << 20

// Serve is a worker: it takes jobs from in, runs one after the other, and gives
// answers to out until in ends. explain explains slowest messages; nil is
// workload.Timeline.
func Serve(t *testing.T, in io.Reader, out io.Writer, explain workload.Explainer) error {
	if explain == nil {
		explain = workload.Timeline
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		var job Job
		if err := json.Unmarshal(lines.Bytes(), &job); err != nil {
			return fmt.Errorf("a job that cannot be read: %w", err)
		}
		var answer Answer
		run := func() (a Answer) {
			t.Run("cell", func(t *testing.T) { a = job.run(t, explain) })
			return a
		}
		if job.Cell.Engine == Virtual {
			answer = steadily(run)
		} else {
			answer = run()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// run does a job; what goes wrong is part of the answer.
func (j *Job) run(t *testing.T, explain workload.Explainer) (a Answer) {
	a.Cell = j.Cell
	fail := func(err error) Answer {
		a.Result, a.Error = nil, err.Error()
		return a
	}
	o := workload.Options{Seed: j.Cell.Seed, Capture: j.Capture}
	if j.Explain || j.Ladder != nil || j.Capture != "" || j.Page != "" {
		o.Record = &workload.Recording{}
	}
	switch j.Cell.Engine {
	case Virtual:
	case RealTime:
		o.RealTime = true
	case Kernel:
		if j.Explain || j.Ladder != nil || j.Capture != "" || j.Page != "" {
			return fail(errors.New("what kernels do is not recorded: leave out --trace, --page and --pcap"))
		}
	default:
		return fail(fmt.Errorf("engine %q is not here", j.Cell.Engine))
	}
	var err error
	if a.Result, err = j.result(t, o); err != nil {
		a = fail(err) // the timeline is wanted all the more
	}
	if j.Explain && a.Result != nil && a.Result.Slowest != nil {
		if a.Explanation, err = explain(o.Record, *a.Result.Slowest); err != nil {
			a.Explanation = &workload.Explanation{Lines: []string{"no explanation: " + err.Error()}}
		}
	}
	if err = j.pictures(o.Record); err != nil && a.Error == "" {
		return fail(err)
	}
	if j.Ladder != nil {
		if a.Timeline, err = j.Ladder.draw(o.Record); err != nil && a.Error == "" {
			return fail(err)
		}
	}
	return a
}

// result runs the cell, or the scenario with its seed.
func (j *Job) result(t *testing.T, o workload.Options) (*workload.Result, error) {
	if j.Scenario != "" {
		s, err := scenario.Parse("scenario", []byte(j.Scenario))
		if err != nil {
			return nil, err
		}
		return s.Run(t, o)
	}
	w, err := workload.Find(j.Cell.Workload)
	if err != nil {
		return nil, err
	}
	p, err := w.Params(j.Cell.Settings)
	if err != nil {
		return nil, err
	}
	if j.Cell.Engine == Kernel {
		return kernel.Run(t.Context(), w, p, j.Cell.Seed)
	}
	return workload.Run(t, w, p, o)
}

// draw draws a recording.
func (l *Ladder) draw(r *workload.Recording) (string, error) {
	var out bytes.Buffer
	host := l.Host
	if host == "" {
		host = "server"
	}
	options := ladder.Options{Which: ladder.All, Host: host, Local: host, Width: max(l.Width, 60), Color: l.Color, Whole: true}
	if l.Width == 0 {
		options.Width = 0
	}
	picture := ladder.New(&out, options)
	for _, e := range r.Events {
		picture.Record(e)
	}
	if err := picture.Close(); err != nil {
		return "", err
	}
	if r.Dropped > 0 {
		fmt.Fprintf(&out, "… and %d more events\n", r.Dropped)
	}
	if out.Len() == 0 {
		return "", errors.New("nothing happened at " + host)
	}
	return out.String(), nil
}
