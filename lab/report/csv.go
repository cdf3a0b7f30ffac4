package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"strata/lab/workload"
)

// statistics are what CSV has of a sample.
var statistics = []string{"count", "mean", "p50", "p90", "p99", "max"}

// CSV writes a line for each cell: its axes and seed, its figures in their units,
// statistics of its samples, and the command that runs it again alone.
func (r *Report) CSV(w io.Writer) error {
	var figures, samples []string
	units := map[string]string{}
	for _, p := range r.Points {
		for _, result := range p.Results() {
			for _, f := range result.Figures {
				if !slices.Contains(figures, f.Name) {
					figures, units[f.Name] = append(figures, f.Name), f.Unit
				}
			}
			for _, s := range result.Samples {
				if !slices.Contains(samples, s.Name) {
					samples, units[s.Name] = append(samples, s.Name), s.Unit
				}
			}
		}
	}
	named := func(name string) string {
		if u := units[name]; u != "" {
			return fmt.Sprintf("%s [%s]", name, u)
		}
		return name
	}
	head := []string{"workload"}
	axes := r.axes()
	for _, a := range axes {
		head = append(head, a.Name)
	}
	head = append(head, "seed")
	for _, f := range figures {
		head = append(head, named(f))
	}
	for _, s := range samples {
		for _, statistic := range statistics {
			name := named(s)
			if statistic == "count" {
				name = s
			}
			head = append(head, statistic+" of "+name)
		}
	}
	head = append(head, "error", "command")
	for _, v := range r.Versions {
		head = append(head, v.Part)
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	for _, p := range r.Points {
		for _, o := range p.Outcomes {
			row := []string{r.Workload.Name}
			for _, a := range axes {
				row = append(row, valueOf(p, a.Name))
			}
			row = append(row, strconv.FormatUint(o.Cell.Seed, 10))
			for _, f := range figures {
				row = append(row, number(o.Result, workload.Expr{Name: f}.String()))
			}
			for _, s := range samples {
				for _, statistic := range statistics {
					row = append(row, number(o.Result, statistic+"("+s+")"))
				}
			}
			row = append(row, o.Error, o.Cell.Command())
			for _, v := range r.Versions {
				row = append(row, v.Version)
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// number is an expression's value, in as many digits as it takes; "" is none.
func number(r *workload.Result, expr string) string {
	if r == nil {
		return ""
	}
	v, err := r.Eval(expr)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
