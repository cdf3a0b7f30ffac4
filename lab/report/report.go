package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"strata/lab/sweep"
	"strata/lab/workload"
)

// Report is what is known of a sweep.
type Report struct {
	Workload *workload.Workload
	Command  string    // with which it is run again
	Versions []Version // of what made it
	Points   []*sweep.Point
	Cells    int // that the sweep has; fewer have run where it was interrupted

	// Explanations are those of slowest messages, by their cells' keys.
	Explanations map[string]*workload.Explanation
}

// Version is that of a part of the program.
type Version struct {
	Part    string `json:"part"`
	Version string `json:"version"`
}

// The files that Write writes.
const (
	Page   = "report.html"
	Values = "results.csv"
	Data   = "results.json"
)

// Write writes the report's files into a folder, which is made where it is
// missing.
func (r *Report) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{{Values, r.CSV}, {Data, r.JSON}, {Page, r.HTML}} {
		var b bytes.Buffer
		if err := file.write(&b); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, file.name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// ran is how many cells there are results of, or failures.
func (r *Report) ran() int {
	n := 0
	for _, p := range r.Points {
		n += len(p.Outcomes)
	}
	return n
}

// engine is the name of the axis that engines are shown as.
const engine = "engine"

// axis is one that the points were given values of, in the order of those.
type axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// axes are those of the points, the engine first.
func (r *Report) axes() []axis {
	var all []axis
	add := func(name, value string) {
		i := 0
		for i < len(all) && all[i].Name != name {
			i++
		}
		if i == len(all) {
			all = append(all, axis{Name: name})
		}
		for _, v := range all[i].Values {
			if v == value {
				return
			}
		}
		all[i].Values = append(all[i].Values, value)
	}
	for _, p := range r.Points {
		add(engine, p.Engine)
		for _, s := range p.Settings {
			add(s.Axis, s.Value)
		}
	}
	return all
}

// varying are the axes with more than one value.
func (r *Report) varying() []axis {
	var some []axis
	for _, a := range r.axes() {
		if len(a.Values) > 1 {
			some = append(some, a)
		}
	}
	return some
}

// valueOf is the value that a point has of an axis.
func valueOf(p *sweep.Point, name string) string {
	if name == engine {
		return p.Engine
	}
	return p.Value(name)
}

// eval is a column's value at a point, in its unit; ok is false where there is
// none.
func eval(p *sweep.Point, expr string) (value float64, unit string, ok bool) {
	e, err := workload.ParseExpr(expr)
	if err != nil {
		return 0, "", false
	}
	value, unit, err = e.Eval(p.Results())
	return value, unit, err == nil
}

// advice are the workload's tables, one for each path that differs.
func (r *Report) advice() []*workload.Table {
	if r.Workload.Advice == nil {
		return nil
	}
	var tables []*workload.Table
	seen := map[string]bool{}
	for _, p := range r.Points {
		if p.Params == nil {
			continue
		}
		if t := r.Workload.Advice(p.Params); !seen[t.Title] && len(tables) < maxAdvice {
			seen[t.Title] = true
			tables = append(tables, t)
		}
	}
	return tables
}

// maxAdvice is how many paths are advised on.
const maxAdvice = 12
