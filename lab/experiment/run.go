package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"strata/lab/report"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// journalFile is where outcomes are kept as they come.
const journalFile = "results.jsonl"

// Run does what the configuration asks for. When ctx ends, the report of what
// there is by then is written, and the error says so.
func Run(ctx context.Context, c Config) error {
	g, err := c.grid()
	if err != nil {
		return err
	}
	if c.Trace || c.Capture != "" || c.Page != "" {
		return c.one(ctx, g)
	}
	command := c.command(g)
	cells := g.Cells()
	var journal *sweep.Journal
	if c.Out != "" {
		if journal, err = c.open(command, len(cells)); err != nil {
			return err
		}
		defer journal.Close()
	}

	had := map[string]sweep.Outcome{}
	var left []sweep.Cell
	for _, cell := range cells {
		if journal != nil {
			if o, ok := journal.Had(cell); ok {
				had[cell.Key()] = o
				continue
			}
		}
		left = append(left, cell)
	}
	if len(had) > 0 {
		fmt.Fprintf(c.Stderr, "%s has %d of %d cells already; the others follow (--overwrite begins anew)\n", filepath.Join(c.Out, journalFile), len(had), len(cells))
	}
	bar := &sweep.Progress{Out: c.Stderr, Terminal: c.Terminal, Total: len(cells)}
	bar.Begin(len(had))
	config := c.sweep()
	config.Done = func(o sweep.Outcome) error {
		bar.Step()
		if journal != nil {
			return journal.Add(o)
		}
		return nil
	}
	ran, err := sweep.Run(ctx, left, config)
	bar.End()
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return err
	}
	for _, o := range ran {
		had[o.Cell.Key()] = o
	}
	var outcomes []sweep.Outcome
	for _, cell := range cells {
		if o, ok := had[cell.Key()]; ok {
			outcomes = append(outcomes, o)
		}
	}
	r := &report.Report{Workload: g.Workload, Command: command, Versions: versions(), Cells: len(cells), Points: sweep.Points(g.Workload, outcomes)}
	if c.Out != "" && !interrupted {
		r.Explanations, err = c.explanations(ctx, r.Points)
		interrupted = errors.Is(err, context.Canceled)
		if err != nil && !interrupted {
			return err
		}
	}
	r.Table(c.Stdout)
	if c.Out != "" {
		if err := r.Write(c.Out); err != nil {
			return err
		}
		fmt.Fprintf(c.Stdout, "%s (and %s, %s)\n", filepath.Join(c.Out, report.Page), report.Values, report.Data)
	}
	return c.verdict(outcomes, len(cells), interrupted)
}

// verdict is what a caller has to be told beside the report.
func (c *Config) verdict(outcomes []sweep.Outcome, of int, interrupted bool) error {
	if interrupted {
		goOn := ""
		if c.Out != "" {
			goOn = "; the same command goes on from there"
		}
		return fmt.Errorf("interrupted: %d of %d cells have run%s", len(outcomes), of, goOn)
	}
	broken := 0
	for _, o := range outcomes {
		if o.Error != "" {
			broken++
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of %d cells broke", broken, of)
	}
	return nil
}

func (c *Config) sweep() sweep.Config {
	return sweep.Config{Worker: c.Worker, Env: c.Env, Workers: c.Workers, Timeout: c.Timeout}
}

// open opens the journal of the report's folder.
func (c *Config) open(command string, cells int) (*sweep.Journal, error) {
	build, err := build()
	if err != nil {
		return nil, err
	}
	return sweep.OpenJournal(filepath.Join(c.Out, journalFile), sweep.Head{Command: command, Build: build, Cells: cells}, c.Overwrite)
}

// maxExplained is how many slowest messages are explained.
const maxExplained = 60

// explanations runs the cell with the slowest message of each point again, the
// slowest first, and has it explained. In virtual time it is the same message.
func (c *Config) explanations(ctx context.Context, points []*sweep.Point) (map[string]*workload.Explanation, error) {
	var slowest []*sweep.Outcome
	for _, p := range points {
		if o := p.Slowest(); o != nil && p.Engine == sweep.Virtual {
			slowest = append(slowest, o)
		}
	}
	slices.SortStableFunc(slowest, func(a, b *sweep.Outcome) int {
		return cmp.Compare(b.Result.Slowest.Latency(), a.Result.Slowest.Latency())
	})
	var jobs []sweep.Job
	for _, o := range slowest[:min(len(slowest), maxExplained)] {
		jobs = append(jobs, sweep.Job{Cell: o.Cell, Explain: true})
	}
	answers, err := sweep.Do(ctx, jobs, c.sweep())
	explanations := map[string]*workload.Explanation{}
	for _, a := range answers {
		if a != nil && a.Explanation != nil {
			explanations[a.Cell.Key()] = a.Explanation
		}
	}
	return explanations, err
}

// one runs a single cell, and shows its timeline.
func (c *Config) one(ctx context.Context, g *sweep.Grid) error {
	cells := g.Cells()
	if len(cells) != 1 {
		return fmt.Errorf("a timeline is of one cell, and these are %d: give each axis one value, and one seed", len(cells))
	}
	job := sweep.Job{Cell: cells[0]}
	if c.Trace {
		job.Ladder = &sweep.Ladder{Width: c.Width, Color: c.Color}
		job.Explain = true
	}
	files := []struct {
		flag, given string
		path        *string
	}{{"pcap", c.Capture, &job.Capture}, {"page", c.Page, &job.Page}}
	for _, file := range files {
		if file.given != "" { // workers are where we are, but nobody should rely on it
			path, err := filepath.Abs(file.given)
			if err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Dir(path)); err != nil {
				return fmt.Errorf("--%s %s: %w", file.flag, file.given, err)
			}
			*file.path = path
		}
	}
	answers, err := sweep.Do(ctx, []sweep.Job{job}, c.sweep())
	if err != nil {
		return err
	}
	a := answers[0]
	fmt.Fprint(c.Stdout, a.Timeline)
	r := &report.Report{Workload: g.Workload, Points: sweep.Points(g.Workload, []sweep.Outcome{a.Outcome})}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	r.Table(c.Stdout)
	if m := a.Result.Slowest; m != nil {
		fmt.Fprintf(c.Stdout, "slowest: %q from %s to %s, sent at %v, %s\n", strings.TrimSpace(m.Text), m.From, m.To, m.Sent, workload.Format(m.Latency().Seconds(), workload.Seconds))
		c.explained(a.Explanation)
	}
	for _, file := range files {
		if file.given != "" {
			fmt.Fprintf(c.Stdout, "%s: %s\n", file.flag, file.given)
		}
	}
	return nil
}

func (c *Config) explained(x *workload.Explanation) {
	if x == nil {
		return
	}
	for _, p := range x.Parts {
		fmt.Fprintf(c.Stdout, "  %10s  %s\n", workload.Format(p.Took.Seconds(), workload.Seconds), p.Name)
	}
	for _, l := range x.Lines {
		fmt.Fprintln(c.Stdout, "  "+l)
	}
}
