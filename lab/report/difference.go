package report

import (
	"fmt"
	"slices"

	"strata/lab/sweep"
	"strata/lab/workload"
)

// spread is what the seeds of a point say of a column.
type spread struct {
	median, least, most float64 // least and most are the quartiles
	seeds               int
	unit                string
}

// spreadOf evaluates a column for each seed; false where none has a value.
func spreadOf(p *sweep.Point, expr string) (s spread, ok bool) {
	e, err := workload.ParseExpr(expr)
	if err != nil {
		return spread{}, false
	}
	var all []float64
	for _, r := range p.Results() {
		v, unit, err := e.Eval([]*workload.Result{r})
		if err == nil {
			all, s.unit = append(all, v), unit
		}
	}
	if len(all) == 0 {
		return spread{}, false
	}
	slices.Sort(all)
	s.median, s.least, s.most = workload.Quantile(all, 0.5), workload.Quantile(all, 0.25), workload.Quantile(all, 0.75)
	s.seeds = len(all)
	return s, true
}

// String is like "100 ms (98 ms to 105 ms)".
func (s spread) String() string {
	text := workload.Format(s.median, s.unit)
	if s.seeds > 1 {
		text += fmt.Sprintf(" (%s to %s)", workload.Format(s.least, s.unit), workload.Format(s.most, s.unit))
	}
	return text
}

// against says how far the medians are apart: the other's by how many times it is
// this, or by how much where that says nothing. It is none where either median
// lies within the other's quartiles: other seeds might have it the other way
// around.
func (s spread) against(other spread) string {
	within := func(m float64, of spread) bool { return of.least <= m && m <= of.most }
	switch {
	case s.median == other.median:
		return "none"
	case s.seeds < 2 || other.seeds < 2:
		return s.apart(other) + " (one seed: perhaps none)"
	case within(s.median, other) || within(other.median, s):
		return "none"
	}
	return s.apart(other)
}

func (s spread) apart(other spread) string {
	if s.median > 0 && other.median > 0 && s.unit != workload.Share {
		return fmt.Sprintf("%.3g×", other.median/s.median)
	}
	if other.median < s.median {
		return "-" + workload.Format(s.median-other.median, s.unit)
	}
	return "+" + workload.Format(other.median-s.median, s.unit)
}

// differences are tables of what another engine than the first made of the same
// settings: one for each.
func (r *Report) differences() []*workload.Table {
	engines := r.axes()
	if len(engines) == 0 || len(engines[0].Values) < 2 {
		return nil
	}
	first := engines[0].Values[0]
	var axes []axis
	for _, a := range r.varying() {
		if a.Name != engine {
			axes = append(axes, a)
		}
	}
	var tables []*workload.Table
	for _, other := range engines[0].Values[1:] {
		t := &workload.Table{
			Title: fmt.Sprintf("%s against %s: the medians of the seeds, and the quartiles", other, first),
			Note:  "none: the difference lies within the spread of the seeds, one's median between the other's quartiles.",
		}
		for _, a := range axes {
			t.Head = append(t.Head, a.Name)
		}
		t.Head = append(t.Head, "what", first, other, "difference")
		for _, p := range r.Points {
			if p.Engine == first {
				t.Rows = append(t.Rows, r.compare(axes, p, r.same(p, other))...)
			}
		}
		if len(t.Rows) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

// same is the point that another engine made of a point's settings; nil where it
// has not run.
func (r *Report) same(p *sweep.Point, engine string) *sweep.Point {
	for _, o := range r.Points {
		if o.Engine == engine && slices.Equal(o.Settings, p.Settings) {
			return o
		}
	}
	return nil
}

// compare has a row for each of the workload's columns.
func (r *Report) compare(axes []axis, p, other *sweep.Point) (rows [][]string) {
	if other == nil {
		return nil
	}
	for _, c := range r.Workload.Columns {
		one, ok := spreadOf(p, c.Expr)
		two, ok2 := spreadOf(other, c.Expr)
		if !ok || !ok2 {
			continue
		}
		var row []string
		for _, a := range axes {
			row = append(row, valueOf(p, a.Name))
		}
		rows = append(rows, append(row, c.Title, one.String(), two.String(), one.against(two)))
	}
	return rows
}
