package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"strata/lab/experiment"
	"strata/lab/kernel"
	"strata/lab/sweep"
	"strata/lab/workload"
)

func labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab EXPERIMENT [flags]",
		Short: "Experiments: workloads over bad networks, in virtual time",
		Long: `Lab runs a workload in worlds of its own, over every combination of the axes'
values and with several seeds, on all cores; minutes of network take milliseconds,
and the same command gives the same results to the last digit. It prints a table,
and with --out writes a page with pictures, CSV and JSON.`,
		Example: `  strata lab socketio-chat --loss 0,1%,2%,5%,10% --delay 10ms,50ms,150ms --seeds 20 --out report/
  strata lab socketio-chat --loss 5% --delay 50ms --seed 17 --trace   one of its cells, with its timeline
  strata lab bulk --loss 0.1%,1%,5% --cc reno,cubic
  strata lab handshake --preset lte,satellite-geo,train
  strata lab half-open --ping-interval 5s,25s
  strata lab ws-echo --loss 2% --engine virtual,real-time
  strata lab init > scenario.yaml; strata lab run scenario.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, w := range workload.All() {
				names = append(names, w.Name)
			}
			return usageError{fmt.Errorf("lab %s: no such experiment; there are %s", args[0], strings.Join(names, ", "))}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, w := range workload.All() {
		cmd.AddCommand(experimentCommand(w))
	}
	cmd.AddCommand(scenarioCommand(), &cobra.Command{
		Use: "init", Args: noArguments, Short: "Print a scenario with comments, to begin one's own with",
		Example: "  strata lab init > scenario.yaml",
		RunE:    func(*cobra.Command, []string) error { return experiment.InitScenario(labConfig()) },
	}, &cobra.Command{
		Use: "worker", Hidden: true, Args: noArguments, Short: "Take cells of a sweep on standard input",
		Run: func(*cobra.Command, []string) { experiment.Worker() },
	})
	return cmd
}

// labConfig has what all of lab's commands need.
func labConfig() experiment.Config {
	c := experiment.Config{Stdout: os.Stdout, Stderr: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd()))}
	if exe, err := os.Executable(); err == nil {
		c.Worker = []string{exe, "lab", "worker"}
	}
	if term.IsTerminal(int(os.Stdout.Fd())) {
		c.Color = os.Getenv("NO_COLOR") == ""
		c.Width, _, _ = term.GetSize(int(os.Stdout.Fd()))
	}
	return c
}

func scenarioCommand() *cobra.Command {
	c := labConfig()
	cmd := &cobra.Command{
		Use:   "run FILE [flags]",
		Short: "Run a scenario: a network test that is a file",
		Long: `Run runs the hosts, wires, timeline and workload of a scenario in virtual time,
with each of its seeds, and holds what comes out to its expectations. The exit
status is 1 where one fails, and 2 where the file is broken. "strata lab init"
prints a scenario with comments.`,
		Example: `  strata lab init > scenario.yaml
  strata lab run scenario.yaml
  strata lab run scenario.yaml --seed 2 --trace`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("lab run: name the one file with the scenario; strata lab init prints one to begin with")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := aboveZero(cmd, "seed"); err != nil {
				return err
			}
			return experiment.RunScenario(cmd.Context(), args[0], c)
		},
	}
	cmd.Flags().Uint64Var(&c.Seed, "seed", 0, "this seed only (default: those of the file)")
	cmd.Flags().BoolVar(&c.Trace, "trace", false, "show the timeline, as the server sees it")
	return cmd
}

// axisFlag is an axis's list of values; kind is what one of them is.
type axisFlag struct{ values, kind string }

func (a *axisFlag) Set(s string) error { a.values = s; return nil }
func (a *axisFlag) String() string     { return a.values }
func (a *axisFlag) Type() string       { return a.kind }

func experimentCommand(w *workload.Workload) *cobra.Command {
	c := labConfig()
	c.Workload = w.Name
	axes := map[string]*axisFlag{}
	var realTime, kernels bool
	cmd := &cobra.Command{
		Use:   w.Name + " [flags]",
		Short: w.Short,
		Long:  w.Long + "\n\nAxes take lists of values, parted by commas; the sweep is over all combinations.",
		Example: fmt.Sprintf(`  strata lab %s --loss 0,1%%,5%% --delay 10ms,50ms --seeds 10
  strata lab %s --preset lte,train --out report/
  strata lab %s --loss 5%% --seed 17 --trace --page story.html`, w.Name, w.Name, w.Name),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := aboveZero(cmd, "seed", "seeds", "max-cells", "workers", "timeout"); err != nil {
				return err
			}
			for _, name := range w.AxisNames() {
				if cmd.Flags().Changed(name) {
					c.Axes = append(c.Axes, sweep.Values{Axis: name, Values: strings.Split(axes[name].values, ",")})
				}
			}
			c.AddEngines(realTime, kernels)
			return experiment.Run(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	for _, a := range workload.Axes() {
		if w.Takes(a.Name) {
			usage := a.Usage
			if d := w.Default(a.Name); d != "" {
				usage += " (default " + d + ")"
			}
			axes[a.Name] = &axisFlag{kind: a.Value}
			f.Var(axes[a.Name], a.Name, usage)
		}
	}
	f.Uint64Var(&c.Seed, "seed", 1, "the first seed")
	f.IntVar(&c.Seeds, "seeds", 1, "how many seeds, from --seed on")
	f.StringVar(&c.Out, "out", "", "write report.html, results.csv and results.json into this `FOLDER`; an interrupted sweep goes on there")
	f.BoolVar(&c.Overwrite, "overwrite", false, "begin anew, whatever is in --out")
	f.BoolVar(&c.Trace, "trace", false, "show the timeline of one cell")
	f.StringVar(&c.Capture, "pcap", "", "write all packets of one cell to this `FILE` (pcapng), each with a comment on its part")
	f.StringVar(&c.Page, "page", "", "write the story of one cell to this `FILE` (HTML): a timeline of all layers to look at")
	f.StringSliceVar(&c.Engines, "engine", nil, "where it runs: virtual, real-time, kernel (default virtual)")
	f.BoolVar(&realTime, "real-time", false, "by the wall's clock as well")
	f.BoolVar(&kernels, "kernel", false, "over kernels in namespaces as well (as root), with the same congestion control: --cc, or "+kernel.DefaultCongestionControl)
	f.IntVar(&c.MaxCells, "max-cells", experiment.DefaultMaxCells, "most cells of a sweep")
	f.IntVar(&c.Workers, "workers", 0, "worker processes (default: as many as cores)")
	f.DurationVar(&c.Timeout, "timeout", sweep.DefaultTimeout, "for one cell, on the wall")
	_ = cmd.MarkFlagDirname("out")
	return cmd
}
