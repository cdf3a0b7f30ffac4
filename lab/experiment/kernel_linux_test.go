package experiment_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/internal/nobody"
	"strata/lab/experiment"
	"strata/lab/kernel"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// Kernels run with the congestion control of the worlds that they stand beside, and
// all that is printed and written names it, also where nobody asked for one. What
// the machine's own is has no part in it.
func TestKernelsHaveOurCongestionControl(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	for _, asked := range []string{"", "reno", "cubic"} {
		t.Run("asked "+asked, func(t *testing.T) {
			c := chat(t)
			c.Workload, c.Seeds, c.Engines = "bulk", 1, nil
			c.AddEngines(false, true)
			c.Axes = []sweep.Values{{Axis: "delay", Values: []string{"5ms"}}, {Axis: "size", Values: []string{"100k"}}}
			want := "reno"
			if asked != "" {
				c.Axes, want = append(c.Axes, sweep.Values{Axis: "cc", Values: []string{asked}}), asked
			}
			if err := kernel.Ready(&workload.Params{CongestionControl: want}); err != nil {
				t.Skip(err)
			}
			var table bytes.Buffer
			c.Stdout = &table
			require.NoError(t, experiment.Run(t.Context(), c))
			require.Contains(t, table.String(), "cc "+want)
			for _, name := range files {
				require.Contains(t, read(t, c, name), "--cc "+want, name)
			}
			require.Contains(t, read(t, c, "results.csv"), "bulk,kernel,")
		})
	}
}

// Without root nothing runs, not even what would need none.
func TestKernelsNeedRootAtOnce(t *testing.T) {
	c := chat(t)
	c.AddEngines(false, true)
	var out bytes.Buffer
	c.Stdout = &out
	err := nobody.Call(func() error { return experiment.Run(t.Context(), c) })
	require.ErrorContains(t, err, "the kernel engine needs root")
	require.NotContains(t, err.Error(), "\n")
	require.Empty(t, out.String())
	require.NoDirExists(t, c.Out)
}
