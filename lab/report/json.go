package report

import (
	"encoding/json"
	"io"

	"strata/lab/sweep"
	"strata/lab/workload"
)

// file is results.json.
type file struct {
	Workload string    `json:"workload"`
	Command  string    `json:"command"`
	Versions []Version `json:"versions"`
	Cells    int       `json:"cells"` // that the sweep has
	Ran      int       `json:"ran"`
	Results  []cell    `json:"results"`
}

type cell struct {
	sweep.Outcome
	Command     string                `json:"command"`
	Explanation *workload.Explanation `json:"explanation,omitempty"` // of the slowest message
}

// JSON writes all there is: of each cell what decides it, what came of it, with
// all samples, and the command that runs it again alone.
func (r *Report) JSON(w io.Writer) error {
	f := file{Workload: r.Workload.Name, Command: r.Command, Versions: r.Versions, Cells: r.Cells, Ran: r.ran()}
	for _, p := range r.Points {
		for _, o := range p.Outcomes {
			f.Results = append(f.Results, cell{o, o.Cell.Command(), r.Explanations[o.Cell.Key()]})
		}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	return out.Encode(f)
}
