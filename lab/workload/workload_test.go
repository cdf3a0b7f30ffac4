package workload_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab/workload"
)

// run runs a workload in a world, which has to work.
func run(t *testing.T, name string, seed uint64, settings ...workload.Setting) *workload.Result {
	t.Helper()
	w, err := workload.Find(name)
	require.NoError(t, err)
	p, err := w.Params(settings)
	require.NoError(t, err)
	r, err := workload.Run(t, w, p, workload.Options{Seed: seed})
	require.NoError(t, err)
	return r
}

// value is what an expression gives.
func value(t *testing.T, r *workload.Result, expr string) float64 {
	t.Helper()
	v, err := r.Eval(expr)
	require.NoError(t, err)
	return v
}

// Every workload runs with what it has by default, and with loss; the same seed
// gives the same result to the last digit, another seed another.
func TestWorkloadsRepeat(t *testing.T) {
	for _, w := range workload.All() {
		t.Run(w.Name, func(t *testing.T) {
			run(t, w.Name, 1)
			lossy := workload.Setting{Axis: "loss", Value: "5%"}
			start := time.Now()
			text := func(seed uint64) string {
				b, err := json.Marshal(run(t, w.Name, seed, lossy))
				require.NoError(t, err)
				return string(b)
			}
			first := text(3)
			t.Log(time.Since(start), len(first))
			require.Equal(t, first, text(3))
			require.NotEqual(t, first, text(4))
			for _, c := range w.Columns {
				t.Log(c.Title, value(t, run(t, w.Name, 3, lossy), c.Expr))
			}
		})
	}
}
