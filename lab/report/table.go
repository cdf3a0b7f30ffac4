package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"strata/lab/workload"
)

// Table writes a table for the terminal: a line for each point, with the axes that
// vary and the workload's columns; and what failed.
func (r *Report) Table(out io.Writer) {
	var fixed []string
	for _, a := range r.axes() {
		if len(a.Values) == 1 && (a.Name != engine || a.Values[0] != "virtual") {
			fixed = append(fixed, a.Name+" "+a.Values[0])
		}
	}
	seeds := 0
	for _, p := range r.Points {
		seeds = max(seeds, len(p.Outcomes))
	}
	title := r.Workload.Name
	if len(fixed) > 0 {
		title += ", " + strings.Join(fixed, ", ")
	}
	fmt.Fprintf(out, "%s; of %s each\n", title, count(seeds, "seed", "seeds"))

	rows := [][]string{nil}
	varying := r.varying()
	for _, a := range varying {
		rows[0] = append(rows[0], a.Name)
	}
	for _, c := range r.Workload.Columns {
		rows[0] = append(rows[0], c.Title)
	}
	failed := 0
	for _, p := range r.Points {
		failed += p.Failed()
	}
	if failed > 0 {
		rows[0] = append(rows[0], "broken")
	}
	for _, p := range r.Points {
		var row []string
		for _, a := range varying {
			row = append(row, valueOf(p, a.Name))
		}
		for _, c := range r.Workload.Columns {
			cell := "–"
			if v, unit, ok := eval(p, c.Expr); ok {
				cell = workload.Format(v, unit)
			}
			row = append(row, cell)
		}
		if failed > 0 {
			row = append(row, fmt.Sprint(p.Failed()))
		}
		rows = append(rows, row)
	}
	writeRows(out, rows)
	if failed > 0 {
		fmt.Fprintf(out, "%s broke; the first: %s\n", count(failed, "cell", "cells"), r.firstError())
	}
	for _, t := range append(r.differences(), r.advice()...) {
		fmt.Fprintf(out, "\n%s\n", t.Title)
		writeRows(out, append([][]string{t.Head}, t.Rows...))
		if t.Note != "" {
			fmt.Fprintln(out, t.Note)
		}
	}
}

// count is a number of things, like "1 cell" or "2 cells".
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func (r *Report) firstError() string {
	for _, p := range r.Points {
		if o := p.Broken(); o != nil {
			return fmt.Sprintf("%s: %s", o.Cell.Command(), o.Error)
		}
	}
	return ""
}

// writeRows writes columns to the right, two spaces apart.
func writeRows(out io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
			line.WriteString(cell)
		}
		fmt.Fprintln(out, line.String())
	}
}
