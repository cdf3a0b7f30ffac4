package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/lab/report"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// Two engines, three settings: the seeds say once that the kernel is twice as
// slow, once that nobody can tell, and once there is one seed only, which says
// little. A point that has not run is not compared.
func TestDifferences(t *testing.T) {
	w := &workload.Workload{Name: "made up", Columns: []workload.Column{{Title: "p50", Expr: "p50(latency)"}}}
	point := func(engine, delay string, latencies ...float64) *sweep.Point {
		p := &sweep.Point{Engine: engine, Settings: []workload.Setting{{Axis: "delay", Value: delay}}}
		for _, l := range latencies {
			p.Outcomes = append(p.Outcomes, sweep.Outcome{Result: &workload.Result{Samples: []workload.Sample{{Name: "latency", Unit: workload.Seconds, Values: []float64{l}}}}})
		}
		return p
	}
	r := &report.Report{Workload: w, Points: []*sweep.Point{
		point(sweep.Virtual, "10ms", 0.100, 0.101, 0.102), point(sweep.Kernel, "10ms", 0.199, 0.202, 0.210),
		point(sweep.Virtual, "20ms", 0.100, 0.120, 0.140), point(sweep.Kernel, "20ms", 0.090, 0.125, 0.150),
		point(sweep.Virtual, "30ms", 0.100), point(sweep.Kernel, "30ms", 0.150),
		point(sweep.Virtual, "40ms", 0.100),
	}}
	var out bytes.Buffer
	r.Table(&out)
	_, table, found := strings.Cut(out.String(), "kernel against virtual")
	require.True(t, found, out.String())
	var differences []string
	for line := range strings.Lines(table) {
		if cells := strings.Fields(line); len(cells) > 1 && cells[1] == "p50" {
			differences = append(differences, cells[0]+" "+line[strings.LastIndex(line, "  ")+2:])
		}
	}
	require.Equal(t, []string{"10ms 2×\n", "20ms none\n", "30ms 1.5× (one seed: perhaps none)\n"}, differences, table)
	require.Contains(t, table, "101 ms (")

	var page bytes.Buffer
	require.NoError(t, r.HTML(&page))
	title, err := json.Marshal("kernel against virtual: the medians of the seeds, and the quartiles")
	require.NoError(t, err)
	require.Contains(t, page.String(), string(title), "the page has the table, too")
}
