package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/internal/chromium"
	"strata/lab/report"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// swept is the report of a sweep that did not have to run: every cell that does
// not break has the same sample, and a figure with a formula beside it where
// formula is true.
func swept(t *testing.T, axes []sweep.Values, formula bool, broken func(cell int) string) *report.Report {
	t.Helper()
	w, err := workload.Find("ws-echo")
	require.NoError(t, err)
	g := &sweep.Grid{Workload: w, Engines: []string{sweep.Virtual}, Seeds: sweep.Seeds(1, 2), Axes: axes}
	require.NoError(t, g.Check(100))
	var outcomes []sweep.Outcome
	for i, cell := range g.Cells() {
		o := sweep.Outcome{Cell: cell, Error: broken(i)}
		if o.Error == "" {
			o.Result = &workload.Result{Samples: []workload.Sample{{Name: "latency", Unit: workload.Seconds, Values: []float64{0.1, 0.12, 0.3 + float64(i)/10}}}}
			if formula {
				o.Result.Figures = []workload.Figure{
					{Name: "first", Unit: workload.Seconds, Value: 0.1 + float64(i)/100},
					{Name: "one round trip", Unit: workload.Seconds, Value: 0.1, Of: "first"},
				}
			}
		}
		outcomes = append(outcomes, o)
	}
	return &report.Report{Workload: w, Command: "strata lab ws-echo", Points: sweep.Points(w, outcomes), Cells: len(outcomes)}
}

// single is a report whose samples have a single value each.
func single(r *report.Report) *report.Report {
	for _, p := range r.Points {
		for _, o := range p.Outcomes {
			o.Result.Samples[0].Values = []float64{0.1}
		}
	}
	return r
}

func none(int) string { return "" }

// shown is what Chromium shows of a section.
type shown struct {
	Text                          string
	Cells, Charts, Drawn, Details int
	Paths, Dots, Keys             int     // lines and points, and points in the legend
	Left                          float64 // of the lines, from the axis
}

// look is how a page looks in colours and a width.
type look struct {
	ColorScheme string
	Width       int
	Contrast    float64 // the least in the heat map
	Cut, Silent int     // boxes that have more than they show, and those that do not say so
	Lowest      float64 // line of text in a chart, in pixels
	Wide        bool    // wider than the window
}

// Whatever a sweep has or lacks, its page is drawn without a complaint: it shows
// the sections that have something to show, and each has it. In light and dark, on
// a wide and on a narrow screen, it can be read, and nothing is cut off silently.
func TestEverySweepHasItsSections(t *testing.T) {
	modules := chromium.Needs(t)
	loss := sweep.Values{Axis: "loss", Values: []string{"1%", "5%"}}
	rate := sweep.Values{Axis: "rate", Values: []string{"1mbit", "10mbit", "100mbit"}}
	first := func(i int) string {
		if i < 2 {
			return "the worker died"
		}
		return ""
	}
	tests := []struct {
		name     string
		report   *report.Report
		sections []string
	}{
		{"no-axis", swept(t, nil, true, none), []string{"ecdf", "table", "theory"}},
		{"no-axis-no-theory", swept(t, []sweep.Values{{Axis: "loss", Values: []string{"1%"}}}, false, none), []string{"ecdf", "table"}},
		{"loss", swept(t, []sweep.Values{loss}, true, none), []string{"ecdf", "heat", "table", "theory"}},
		{"rate", swept(t, []sweep.Values{rate}, true, none), []string{"ecdf", "heat", "table", "theory"}},
		{"two-axes", swept(t, []sweep.Values{loss, rate}, true, none), []string{"ecdf", "heat", "table", "theory"}},
		{"two-axes-no-theory", swept(t, []sweep.Values{loss, rate}, false, none), []string{"ecdf", "heat", "table"}},
		{"kinds", swept(t, []sweep.Values{{Axis: "preset", Values: []string{"3g", "lte", "5g"}}}, true, none), []string{"ecdf", "heat", "table", "theory"}},
		{"single", single(swept(t, []sweep.Values{loss}, false, none)), []string{"ecdf", "heat", "table"}},
		{"broken", swept(t, []sweep.Values{loss}, true, first), []string{"broken", "ecdf", "heat", "table", "theory"}},
		{"all-broken", swept(t, []sweep.Values{loss}, true, func(i int) string {
			return fmt.Sprintf("the worker died\n%d%s", i/3, strings.Repeat(" goroutines", 40))
		}), []string{"broken", "table"}},
	}
	folder, shots := t.TempDir(), os.Getenv("STRATA_SHOTS")
	args := []string{"testdata/sections.mjs", modules, shots}
	for _, test := range tests {
		require.NoError(t, test.report.Write(filepath.Join(folder, test.name)))
		args = append(args, "file://"+filepath.Join(folder, test.name, report.Page))
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	require.NoError(t, err, complaint.String())
	var pages []struct {
		Complaints []string
		Looks      []look
		Sections   map[string]shown
	}
	require.NoError(t, json.Unmarshal(out, &pages))
	require.Len(t, pages, len(tests))
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := pages[i]
			require.Empty(t, got.Complaints)
			require.Len(t, got.Looks, 4)
			for _, l := range got.Looks {
				require.GreaterOrEqual(t, l.Contrast, 4.5, l)
				require.Zero(t, l.Silent, l)
				require.GreaterOrEqual(t, l.Lowest, 12.0, l)
				require.False(t, l.Wide, l)
				if l.Width == 400 {
					require.Positive(t, l.Cut, l)
				}
			}
			require.Equal(t, test.sections, slices.Sorted(maps.Keys(got.Sections)))
			require.GreaterOrEqual(t, got.Sections["table"].Cells, len(test.report.Points)*(len(test.report.Workload.Columns)+1))
			_, broken := got.Sections["broken"]
			require.Equal(t, broken, strings.Contains(got.Sections["table"].Text, "broken"))
			for name, s := range got.Sections {
				switch name {
				case "broken":
					if test.name == "broken" {
						require.Contains(t, s.Text, "2 cells: the worker died")
						require.Equal(t, 1, s.Details, "the same error is there once")
						require.Contains(t, got.Sections["heat"].Text, "broken", "instead of a value")
					} else {
						require.Contains(t, s.Text, "3 cells: the worker died")
						require.Contains(t, s.Text, "1 cell: the worker died")
						require.Contains(t, s.Text, "1 goroutines")
						require.Contains(t, s.Text, "strata lab ws-echo --loss 5% --seed 2")
					}
				case "heat":
					require.Equal(t, len(test.report.Points), s.Cells)
				case "ecdf", "theory":
					require.Equal(t, 1, s.Charts, name)
					require.Positive(t, s.Drawn, name)
				}
				switch {
				case name == "ecdf":
					require.Greater(t, s.Left, 5.0, "beside the axis, not on it")
				case name != "theory":
				case test.name == "kinds":
					require.Equal(t, []int{0, 6, 2}, []int{s.Paths, s.Dots, s.Keys}, "nothing joins kinds")
				case test.name == "no-axis" || test.name == "broken":
					require.Equal(t, []int{0, 2, 2}, []int{s.Paths, s.Dots, s.Keys}, "a single point each")
				default:
					require.Equal(t, []int{2, 0}, []int{s.Paths, s.Keys}, "a line each")
				}
			}
		})
	}
}
