package experiment

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"strata/lab/kernel"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// DefaultMaxCells bounds a sweep that did not say how large it may be.
const DefaultMaxCells = 10_000

// Config says what to run, and where to say what came of it.
type Config struct {
	Workload string
	Axes     []sweep.Values
	Engines  []string // none is virtual time
	Seed     uint64   // the first; 0 is 1
	Seeds    int      // 0 is 1

	Out       string // folder of the report; "" is none
	Overwrite bool   // what another command has left there

	MaxCells int           // 0 is DefaultMaxCells
	Workers  int           // processes at once; 0 is as many as there are cores
	Timeout  time.Duration // of one cell, on the wall; 0 is sweep.DefaultTimeout

	Trace   bool   // one cell, with its timeline
	Capture string // one cell, with all its packets in this file, each with what its part was; "" is none
	Page    string // one cell, with its story as a page in this file; "" is none

	Worker []string // command line of a worker process
	Env    []string // of workers, beside our own

	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is one: a bar that moves
	Color          bool // Stdout shows colours
	Width          int  // of Stdout, columns; 0 is 100
}

// grid is the sweep that the configuration asks for, checked.
func (c *Config) grid() (*sweep.Grid, error) {
	w, err := workload.Find(c.Workload)
	if err != nil {
		return nil, err
	}
	if c.Seeds < 0 {
		return nil, fmt.Errorf("--seeds %d: at least one is wanted", c.Seeds)
	}
	g := &sweep.Grid{Workload: w, Engines: c.Engines, Axes: c.Axes, Seeds: sweep.Seeds(max(c.Seed, 1), max(c.Seeds, 1))}
	if len(g.Engines) == 0 {
		g.Engines = []string{sweep.Virtual}
	}
	for i, e := range g.Engines {
		if !slices.Contains([]string{sweep.Virtual, sweep.RealTime, sweep.Kernel}, e) {
			return nil, fmt.Errorf("--engine %q: %s, %s or %s is wanted", e, sweep.Virtual, sweep.RealTime, sweep.Kernel)
		}
		if slices.Contains(g.Engines[:i], e) {
			return nil, fmt.Errorf("--engine: %s is there twice", e)
		}
	}
	besideKernels := slices.Contains(g.Engines, sweep.Kernel)
	if besideKernels {
		g.Axes = withCongestionControl(w, g.Axes)
	}
	most := c.MaxCells
	if most == 0 {
		most = DefaultMaxCells
	}
	if err := g.Check(most); err != nil {
		return nil, err
	}
	if besideKernels {
		return g, kernelReady(g)
	}
	return g, nil
}

// withCongestionControl names the congestion control where nobody has: beside
// kernels, whose own may be any, it is a part of what is compared.
func withCongestionControl(w *workload.Workload, axes []sweep.Values) []sweep.Values {
	names := w.AxisNames()
	cc := slices.Index(names, "cc")
	if cc < 0 || slices.ContainsFunc(axes, func(a sweep.Values) bool { return a.Axis == "cc" }) {
		return axes
	}
	at := slices.IndexFunc(axes, func(a sweep.Values) bool { return slices.Index(names, a.Axis) > cc })
	if at < 0 {
		at = len(axes)
	}
	return slices.Insert(slices.Clone(axes), at, sweep.Values{Axis: "cc", Values: []string{kernel.DefaultCongestionControl}})
}

// kernelReady says what would break the kernel's cells, before the others run.
func kernelReady(g *sweep.Grid) error {
	told := map[string]bool{}
	for _, cell := range g.Cells() {
		p, err := g.Workload.Params(cell.Settings)
		if err != nil {
			return err
		}
		what := fmt.Sprint(p.CongestionControl, p.Clients)
		if told[what] {
			continue
		}
		told[what] = true
		if err := kernel.Ready(p); err != nil {
			return err
		}
	}
	return nil
}

// command is what runs the same sweep again.
func (c *Config) command(g *sweep.Grid) string {
	words := []string{"strata lab", c.Workload}
	for _, a := range g.Axes {
		words = append(words, workload.Setting{Axis: a.Axis, Value: strings.Join(a.Values, ",")}.Flag())
	}
	if !slices.Equal(g.Engines, []string{sweep.Virtual}) {
		words = append(words, "--engine "+strings.Join(g.Engines, ","))
	}
	if c.Seed > 1 {
		words = append(words, fmt.Sprintf("--seed %d", c.Seed))
	}
	if len(g.Seeds) > 1 {
		words = append(words, fmt.Sprintf("--seeds %d", len(g.Seeds)))
	}
	return strings.Join(words, " ")
}

// AddEngines adds engines beside those that are there, or beside virtual time.
func (c *Config) AddEngines(realTime, kernels bool) {
	if (realTime || kernels) && len(c.Engines) == 0 {
		c.Engines = []string{sweep.Virtual}
	}
	if realTime {
		c.Engines = append(c.Engines, sweep.RealTime)
	}
	if kernels {
		c.Engines = append(c.Engines, sweep.Kernel)
	}
}
