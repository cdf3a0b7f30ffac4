package sweep

import (
	"slices"

	"strata/lab/workload"
)

// Point is the cells that differ in their seeds only.
type Point struct {
	Engine   string
	Settings []workload.Setting
	Outcomes []Outcome // in the order of the seeds; those that there are
	Params   *workload.Params
}

// Points groups the outcomes of a grid, in its order. What was not run is left
// out.
func Points(w *workload.Workload, outcomes []Outcome) []*Point {
	var points []*Point
	for _, o := range outcomes {
		var p *Point
		if len(points) > 0 {
			p = points[len(points)-1]
		}
		if p == nil || p.Engine != o.Cell.Engine || !slices.Equal(p.Settings, o.Cell.Settings) {
			p = &Point{Engine: o.Cell.Engine, Settings: o.Cell.Settings}
			p.Params, _ = w.Params(p.Settings) // was checked before it was run
			points = append(points, p)
		}
		p.Outcomes = append(p.Outcomes, o)
	}
	return points
}

// Value is a setting's value; "" where it was not given.
func (p *Point) Value(axis string) string {
	for _, s := range p.Settings {
		if s.Axis == axis {
			return s.Value
		}
	}
	return ""
}

// Results are those of the cells that did not fail.
func (p *Point) Results() []*workload.Result {
	var rs []*workload.Result
	for _, o := range p.Outcomes {
		if o.Result != nil {
			rs = append(rs, o.Result)
		}
	}
	return rs
}

// Failed is how many cells failed.
func (p *Point) Failed() int { return len(p.Outcomes) - len(p.Results()) }

// Broken is the first outcome of a cell that failed; nil where none did.
func (p *Point) Broken() *Outcome {
	for i := range p.Outcomes {
		if p.Outcomes[i].Error != "" {
			return &p.Outcomes[i]
		}
	}
	return nil
}

// Slowest is the outcome that has the slowest message; nil where none has any.
func (p *Point) Slowest() *Outcome {
	var slowest *Outcome
	for i := range p.Outcomes {
		o := &p.Outcomes[i]
		if o.Result == nil || o.Result.Slowest == nil {
			continue
		}
		if slowest == nil || o.Result.Slowest.Latency() > slowest.Result.Slowest.Latency() {
			slowest = o
		}
	}
	return slowest
}
