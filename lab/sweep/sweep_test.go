package sweep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/lab/sweep"
	"strata/lab/workload"
)

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// asWorker makes the test binary a worker; "dies" one that dies of its second job,
// "hangs" one that never answers.
const asWorker = "STRATA_SWEEP_WORKER"

// This test is the worker of the others.
func TestWorker(t *testing.T) {
	switch os.Getenv(asWorker) {
	case "":
		t.Skip("the other tests run it")
	case "hangs":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "dies":
		var one bytes.Buffer
		b := make([]byte, 1)
		for b[0] != '\n' {
			if _, err := os.Stdin.Read(b); err != nil {
				return
			}
			one.Write(b)
		}
		require.NoError(t, sweep.Serve(t, &one, os.Stdout, nil))
		_, _ = os.Stdin.Read(b)
		fmt.Fprintln(os.Stderr, "panic: of the second job")
		os.Exit(2)
	default:
		require.NoError(t, sweep.Serve(t, os.Stdin, os.Stdout, nil))
	}
	os.Exit(0) // nothing but answers on standard output
}

func config(kind string) sweep.Config {
	return sweep.Config{Worker: []string{os.Args[0], "-test.run=^TestWorker$"}, Env: []string{asWorker + "=" + kind}}
}

func grid(t *testing.T, seeds int) *sweep.Grid {
	w, err := workload.Find("socketio-chat")
	require.NoError(t, err)
	g := &sweep.Grid{Workload: w, Engines: []string{sweep.Virtual}, Seeds: sweep.Seeds(1, seeds), Axes: []sweep.Values{
		{Axis: "loss", Values: []string{"0", "10%"}}, {Axis: "clients", Values: []string{"2", "3"}}, {Axis: "duration", Values: []string{"3s"}},
	}}
	require.NoError(t, g.Check(1000))
	return g
}

// A sweep is the product of its axes, the seeds of a point side by side; its
// outcomes come in that order, each once, and are the same each time.
func TestSweepRepeats(t *testing.T) {
	g := grid(t, 3)
	cells := g.Cells()
	require.Len(t, cells, 12)
	require.Equal(t, g.Size(), len(cells))
	require.Equal(t, "strata lab socketio-chat --loss 0 --clients 2 --duration 3s --seed 1", cells[0].Command())
	require.Equal(t, uint64(2), cells[1].Seed)
	var before []byte
	for workers := 1; workers <= 3; workers++ {
		c := config("yes")
		c.Workers = workers
		told := map[string]int{}
		c.Done = func(o sweep.Outcome) error { told[o.Cell.Key()]++; return nil }
		outcomes, err := sweep.Run(t.Context(), cells, c)
		require.NoError(t, err)
		require.Len(t, outcomes, len(cells))
		for i, o := range outcomes {
			require.Equal(t, cells[i], o.Cell)
			require.Empty(t, o.Error)
			require.Equal(t, 1, told[o.Cell.Key()])
		}
		text, err := json.Marshal(outcomes)
		require.NoError(t, err)
		if before != nil {
			require.Equal(t, string(before), string(text), "with %d workers", workers)
		}
		before = text
	}
	points := sweep.Points(g.Workload, func() (os []sweep.Outcome) { _ = json.Unmarshal(before, &os); return os }())
	require.Len(t, points, 4)
	require.Equal(t, "10%", points[2].Value("loss"))
	require.NotNil(t, points[2].Slowest())
}

// A worker that dies fails the cell that it had, says why, and is replaced; one
// that hangs is given up.
func TestWorkersThatDie(t *testing.T) {
	c := config("dies")
	c.Workers = 1
	cells := grid(t, 1).Cells()
	outcomes, err := sweep.Run(t.Context(), cells, c)
	require.NoError(t, err)
	for i, o := range outcomes {
		if i%2 == 0 {
			require.Empty(t, o.Error)
			require.NotNil(t, o.Result)
		} else {
			require.Contains(t, o.Error, "panic: of the second job")
			require.Nil(t, o.Result)
		}
	}
	c = config("hangs")
	c.Timeout = 50 * time.Millisecond
	outcomes, err = sweep.Run(t.Context(), cells[:2], c)
	require.NoError(t, err)
	require.Equal(t, "it took longer than 50ms", outcomes[0].Error)

	c.Worker = []string{"/nowhere/strata"}
	_, err = sweep.Run(t.Context(), cells[:1], c)
	require.ErrorContains(t, err, "start a worker")
}

// A context that ends ends the sweep, with what there is.
func TestSweepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := config("yes")
	n := 0
	c.Done = func(sweep.Outcome) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	}
	outcomes, err := sweep.Run(ctx, grid(t, 5).Cells(), c)
	require.ErrorIs(t, err, context.Canceled)
	require.GreaterOrEqual(t, len(outcomes), 3)
	require.Less(t, len(outcomes), 20)

	full := errors.New("no space left")
	c.Done = func(sweep.Outcome) error { return full }
	_, err = sweep.Run(t.Context(), grid(t, 1).Cells(), c)
	require.ErrorIs(t, err, full)
}

// What is in a journal is not lost with the program: a line that was cut off is
// written anew, a whole journal begins again, another sweep's is left alone.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out", "results.jsonl")
	cells := grid(t, 1).Cells()
	head := sweep.Head{Command: "strata lab x", Build: "1", Cells: len(cells)}
	outcome := func(i int) sweep.Outcome { return sweep.Outcome{Cell: cells[i], Error: fmt.Sprint("cell ", i)} }

	j, err := sweep.OpenJournal(path, head, false)
	require.NoError(t, err)
	require.NoError(t, j.Add(outcome(0)))
	require.NoError(t, j.Add(outcome(1)))
	require.NoError(t, j.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text[:len(text)-10], 0o644)) // as a crash leaves it

	j, err = sweep.OpenJournal(path, head, false)
	require.NoError(t, err)
	_, had := j.Had(cells[1])
	require.False(t, had)
	o, had := j.Had(cells[0])
	require.True(t, had)
	require.Equal(t, outcome(0), o)
	require.NoError(t, j.Add(outcome(1)))
	require.NoError(t, j.Close())
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))

	other := head
	other.Command = "strata lab y"
	_, err = sweep.OpenJournal(path, other, false)
	require.ErrorContains(t, err, "results of another command (strata lab x); --overwrite")
	other = head
	other.Build = "2"
	_, err = sweep.OpenJournal(path, other, false)
	require.ErrorContains(t, err, "another build")
	j, err = sweep.OpenJournal(path, other, true)
	require.NoError(t, err)
	for i := range cells {
		require.NoError(t, j.Add(outcome(i)))
	}
	require.NoError(t, j.Close())
	j, err = sweep.OpenJournal(path, other, false)
	require.NoError(t, err)
	_, had = j.Had(cells[0])
	require.False(t, had, "it was whole: it begins anew")
	require.NoError(t, j.Close())

	require.NoError(t, os.WriteFile(path, []byte("my diary\n"), 0o644))
	_, err = sweep.OpenJournal(path, head, false)
	require.ErrorContains(t, err, "no journal of a sweep")
}

// A grid that is too large, or of what there is not, says so before it is run.
func TestGridsThatAreRefused(t *testing.T) {
	g := grid(t, 20)
	require.ErrorContains(t, g.Check(50), "2 loss × 2 clients × 1 duration × 20 seeds are 80 cells, and 50 are allowed: --max-cells")
	g.Axes[0].Values = []string{"1%", "1%"}
	require.EqualError(t, g.Check(500), "--loss: 1% is there twice")
	g.Axes[0].Values = []string{"1%", "banana"}
	require.ErrorContains(t, g.Check(500), `--loss "banana"`)
}

// The bar moves on a terminal; elsewhere there is a line every five seconds. Both
// say how long it will take.
func TestProgress(t *testing.T) {
	for terminal, want := range map[bool]string{true: "[███████", false: "1 of 4 cells, 25 %, 6s, about 18s left\n"} {
		var out bytes.Buffer
		now := time.Unix(0, 0)
		p := &sweep.Progress{Out: &out, Terminal: terminal, Total: 4, Now: func() time.Time { return now }}
		p.Begin(0)
		now = now.Add(6 * time.Second)
		p.Step()
		require.Contains(t, out.String(), want)
		require.Equal(t, terminal, strings.Contains(out.String(), "\r"))
		p.End()
	}
}
