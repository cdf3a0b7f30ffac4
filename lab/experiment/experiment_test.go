package experiment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/lab/experiment"
	"strata/lab/scenario"
	"strata/lab/sweep"
	"strata/lab/workload"
)

const asWorker = "STRATA_EXPERIMENT_WORKER"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// This test is the worker of the others.
func TestWorker(t *testing.T) {
	if os.Getenv(asWorker) == "" {
		t.Skip("the other tests run it")
	}
	require.NoError(t, sweep.Serve(t, os.Stdin, os.Stdout, experiment.Explain))
	os.Exit(0) // nothing but answers on standard output
}

// chat is a small sweep into a folder of its own.
func chat(t *testing.T) experiment.Config {
	return experiment.Config{
		Workload: "socketio-chat",
		Axes: []sweep.Values{
			{Axis: "delay", Values: []string{"20ms", "80ms"}}, {Axis: "loss", Values: []string{"0", "10%"}},
			{Axis: "clients", Values: []string{"3"}}, {Axis: "duration", Values: []string{"4s"}},
		},
		Seeds: 3, Out: filepath.Join(t.TempDir(), "out"),
		Worker: []string{os.Args[0], "-test.run=^TestWorker$"}, Env: []string{asWorker + "=yes"},
		Stdout: io.Discard, Stderr: io.Discard,
	}
}

func read(t *testing.T, c experiment.Config, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Out, name))
	require.NoError(t, err)
	return string(b)
}

var files = []string{"results.csv", "results.json", "report.html"}

// The same command gives the same files, to the byte: in another folder, and where
// it was interrupted in the middle and went on.
func TestReportsRepeat(t *testing.T) {
	first := chat(t)
	var table bytes.Buffer
	first.Stdout = &table
	require.NoError(t, experiment.Run(t.Context(), first))
	require.Contains(t, table.String(), "of 3 seeds each")
	require.Equal(t, 1+12, strings.Count(read(t, first, "results.csv"), "\n"))
	require.Contains(t, read(t, first, "results.csv"), "strata lab socketio-chat --delay 80ms --loss 10% --clients 3 --duration 4s --seed 3")

	second := chat(t)
	require.NoError(t, experiment.Run(t.Context(), second))

	third := chat(t)
	ctx, cancel := context.WithCancel(t.Context())
	third.Stderr = stop{cancel} // Ctrl-C with the first sign of progress
	third.Terminal = true
	err := experiment.Run(ctx, third)
	require.ErrorContains(t, err, "cells have run; the same command goes on from there")
	require.Contains(t, read(t, third, "report.html"), "Interrupted:")
	third.Stderr, third.Terminal = io.Discard, false
	require.NoError(t, experiment.Run(t.Context(), third))

	for _, name := range files {
		require.Equal(t, read(t, first, name), read(t, second, name), name)
		require.Equal(t, read(t, first, name), read(t, third, name), name)
	}

	// Another sweep does not write over it.
	third.Seeds = 2
	require.ErrorContains(t, experiment.Run(t.Context(), third), "results of another command")
	third.Overwrite = true
	require.NoError(t, experiment.Run(t.Context(), third))
}

// stop is a terminal on which somebody presses Ctrl-C when a cell is done.
type stop struct{ cancel func() }

func (s stop) Write(p []byte) (int, error) {
	if !bytes.Contains(p, []byte(" 0 of")) && !bytes.Contains(p, []byte("] 0 of")) {
		s.cancel()
	}
	return len(p), nil
}

// One cell alone shows its timeline and its slowest message, and leaves a capture.
func TestOneCellShowsItsTimeline(t *testing.T) {
	c := chat(t)
	c.Trace, c.Capture, c.Page = true, filepath.Join(t.TempDir(), "cell.pcapng"), filepath.Join(t.TempDir(), "cell.html")
	require.ErrorContains(t, experiment.Run(t.Context(), c), "these are 12")
	c.Axes[0].Values, c.Axes[1].Values, c.Seeds, c.Seed = []string{"80ms"}, []string{"10%"}, 1, 2
	var out bytes.Buffer
	c.Stdout = &out
	require.NoError(t, experiment.Run(t.Context(), c))
	for _, part := range []string{"SYN-ACK", "Socket.IO EVENT", `slowest: "client`, "80"} {
		require.Contains(t, out.String(), part)
	}
	info, err := os.Stat(c.Capture)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(10_000))
	capture, err := os.ReadFile(c.Capture)
	require.NoError(t, err)
	require.True(t, bytes.Contains(capture, []byte("; lost on server-client1 from A to B (loss)")), "comments")
	story, err := os.ReadFile(c.Page)
	require.NoError(t, err)
	require.True(t, bytes.Contains(story, []byte("socketio-chat, seed 2")))
}

// The slowest message of each point is explained: what was lost, or else what it
// waited for, and parts that are its latency together.
func TestSlowestMessagesAreExplained(t *testing.T) {
	for _, name := range []string{"socketio-chat", "ws-echo", "head-of-line"} {
		t.Run(name, func(t *testing.T) {
			c := chat(t)
			c.Workload, c.Seeds = name, 2
			c.Axes = []sweep.Values{{Axis: "delay", Values: []string{"80ms"}}, {Axis: "loss", Values: []string{"5%"}}}
			require.NoError(t, experiment.Run(t.Context(), c))
			var results struct {
				Results []struct {
					Result      *workload.Result
					Explanation *workload.Explanation
				}
			}
			require.NoError(t, json.Unmarshal([]byte(read(t, c, "results.json")), &results))
			explained := 0
			for _, r := range results.Results {
				if r.Explanation == nil {
					continue
				}
				explained++
				sum, lines := time.Duration(0), strings.Join(r.Explanation.Lines, "\n")
				for _, p := range r.Explanation.Parts {
					sum += p.Took
				}
				require.Equal(t, r.Result.Slowest.Received-r.Result.Slowest.Sent, sum, lines)
				require.Contains(t, lines, "propagation")
				t.Log(lines)
			}
			require.Positive(t, explained)
		})
	}
}

// By the wall's clock and in virtual time the same cell is alike: without loss each
// message takes what the wire takes, or a little more where the machine is busy.
func TestRealTimeIsBesideVirtual(t *testing.T) {
	c := chat(t)
	c.Axes = []sweep.Values{{Axis: "delay", Values: []string{"10ms"}}, {Axis: "duration", Values: []string{"1s"}}, {Axis: "clients", Values: []string{"2"}}}
	c.AddEngines(true, false)
	require.Equal(t, []string{sweep.Virtual, sweep.RealTime}, c.Engines)
	c.Seeds = 1
	require.NoError(t, experiment.Run(t.Context(), c))
	lines := strings.Split(strings.TrimSpace(read(t, c, "results.csv")), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[1], "socketio-chat,virtual,10ms")
	require.Contains(t, lines[2], "socketio-chat,real-time,10ms")
	require.Contains(t, lines[2], "--engine real-time --seed 1")
}

// What cannot be run says so before anything runs.
func TestWhatIsRefused(t *testing.T) {
	for says, change := range map[string]func(*experiment.Config){
		`no workload is called "nap"`: func(c *experiment.Config) { c.Workload = "nap" },
		`--engine "steam"`:            func(c *experiment.Config) { c.Engines = []string{"steam"} },
		"--seeds -1":                  func(c *experiment.Config) { c.Seeds = -1 },
		"and 10 are allowed":          func(c *experiment.Config) { c.MaxCells = 10 },
		`there is no axis "colour"`:   func(c *experiment.Config) { c.Axes[0].Axis = "colour" },
	} {
		c := chat(t)
		change(&c)
		require.ErrorContains(t, experiment.Run(t.Context(), c), says)
		require.NoDirExists(t, c.Out)
	}
}

// A scenario whose expectations hold is no error; one that fails says which, and
// one that is broken where.
func TestScenarios(t *testing.T) {
	c := chat(t)
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "s.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	var example, out bytes.Buffer
	c.Stdout = &example
	require.NoError(t, experiment.InitScenario(c))
	c.Stdout = &out
	require.NoError(t, experiment.RunScenario(t.Context(), write(example.String()), c))
	require.Contains(t, out.String(), "p50(latency) < 300ms")

	out.Reset()
	strict := strings.Replace(example.String(), "max(latency) < 10s", "max(latency) < 1ms", 1)
	err := experiment.RunScenario(t.Context(), write(strict), c)
	var failed *experiment.ExpectationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 1, failed.Failed)
	require.Regexp(t, `max\(latency\) < 1ms .*FAILED \(.*s.yaml:\d+\)`, out.String())

	err = experiment.RunScenario(t.Context(), write("hosts: 7\n"), c)
	var broken *scenario.Error
	require.ErrorAs(t, err, &broken)
	require.Equal(t, 2, broken.ExitCode())
	require.ErrorAs(t, experiment.RunScenario(t.Context(), "/nowhere.yaml", c), &broken)
}
