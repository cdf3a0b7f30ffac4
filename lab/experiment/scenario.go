package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"strata/lab/scenario"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// ExpectationError is that a scenario did not do what was expected of it.
type ExpectationError struct {
	File       string
	Failed, Of int
}

// Error says how many expectations failed.
func (e *ExpectationError) Error() string {
	return fmt.Sprintf("%s: %d of %d expectations failed", e.File, e.Failed, e.Of)
}

// RunScenario runs the scenario in a file with all its seeds, or, where the
// configuration has a seed, with that, and prints what became of its expectations.
// The error is a *scenario.Error where the file is broken, an *ExpectationError
// where it fails.
func RunScenario(ctx context.Context, file string, c Config) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return &scenario.Error{File: file, Reason: errors.Unwrap(err).Error()}
	}
	s, err := scenario.Parse(file, text)
	if err != nil {
		return err
	}
	seeds := sweep.Seeds(1, s.Seeds)
	if c.Seed > 0 {
		seeds = sweep.Seeds(c.Seed, 1)
	}
	var jobs []sweep.Job
	for _, seed := range seeds {
		job := sweep.Job{Scenario: string(text), Cell: sweep.Cell{Workload: s.Workload.Name, Engine: sweep.Virtual, Seed: seed}}
		if c.Trace {
			job.Ladder = &sweep.Ladder{Width: c.Width, Color: c.Color, Host: s.Server}
		}
		jobs = append(jobs, job)
	}
	if c.Trace && len(jobs) > 1 {
		return fmt.Errorf("a timeline is of one run, and %s has %d seeds: say which by --seed", file, len(jobs))
	}
	answers, err := sweep.Do(ctx, jobs, c.sweep())
	if err != nil {
		return err
	}
	var results []*workload.Result
	for i, a := range answers {
		fmt.Fprint(c.Stdout, a.Timeline)
		if a.Error != "" {
			return fmt.Errorf("%s: with seed %d it broke: %s", file, seeds[i], a.Error)
		}
		results = append(results, a.Result)
	}
	return c.judge(s, file, results, len(seeds))
}

// judge prints the expectations and what became of them.
func (c *Config) judge(s *scenario.Scenario, file string, results []*workload.Result, seeds int) error {
	verdicts, err := s.Judge(file, results)
	if err != nil {
		return err
	}
	name := s.Name
	if name == "" {
		name = file
	}
	fmt.Fprintf(c.Stdout, "%s: %s, %d hosts, seeds: %d\n", name, s.Workload.Name, len(s.Hosts), seeds)
	out := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	failed := 0
	for _, v := range verdicts {
		mark := "ok"
		if !v.OK {
			mark = fmt.Sprintf("FAILED (%s:%d)", file, v.Line)
			failed++
		}
		fmt.Fprintf(out, "  %s\t%s\t%s\n", v.Text, v.Is, mark)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return &ExpectationError{File: file, Failed: failed, Of: len(verdicts)}
	}
	return nil
}

// InitScenario writes a commented scenario.
func InitScenario(c Config) error {
	_, err := fmt.Fprint(c.Stdout, strings.TrimLeft(string(scenario.Example), "\n"))
	return err
}
