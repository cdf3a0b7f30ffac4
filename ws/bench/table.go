package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
)

// errSkip is said of what a server cannot do.
var errSkip = errors.New("it cannot")

// table has a row for what is measured, and a column for each server.
type table struct {
	title string
	rows  [][]string
}

func newTable(title string) *table {
	t := &table{title: title}
	head := []string{"", "unit"}
	for _, s := range servers {
		head = append(head, s.name)
	}
	t.rows = append(t.rows, append(head, "best library", "ratio", "wanted"))
	return t
}

// row measures all servers, one after the other, and that so many rounds; what
// counts is the median. The ratio is our best to the best library's. A second row
// has the processor time that the server needed for a message, which says more
// where the client or its neighbours are what bounds the rate.
func (t *table) row(k kind, rounds int, measure func(server) (figure, error)) {
	rates, cpus := make([][]float64, len(servers)), make([][]float64, len(servers))
	failed := make([]error, len(servers))
	fmt.Fprintf(os.Stderr, "%s ...\n", k.name)
	for range rounds {
		for i, s := range servers {
			if failed[i] != nil {
				continue
			}
			f, err := measure(s)
			if failed[i] = err; err != nil && !errors.Is(err, errSkip) {
				fmt.Fprintf(os.Stderr, "%s: %s: %v\n", k.name, s.name, err)
			}
			rates[i] = append(rates[i], f.rate*k.scale)
			cpus[i] = append(cpus[i], f.cpu.Seconds()*1e6)
		}
	}
	t.add(k.name, k.unit, k.wanted, "%.0f", rates, failed, func(ours, theirs float64) float64 { return ours / theirs })
	if cpus[0][0] > 0 {
		t.add("server's processor time", "µs", "", "%.2f", cpus, failed, func(ours, theirs float64) float64 { return theirs / ours })
	}
}

// add adds a row. The greater ratio is the better figure.
func (t *table) add(name, unit, wanted, format string, figures [][]float64, failed []error, ratio func(ours, theirs float64) float64) {
	row := []string{name, unit}
	var ours, best float64
	var bestName string
	for i, s := range servers {
		switch {
		case errors.Is(failed[i], errSkip):
			row = append(row, "-")
			continue
		case failed[i] != nil:
			row = append(row, "failed")
			continue
		}
		v := median(figures[i])
		row = append(row, fmt.Sprintf(format, v))
		switch {
		case s.noLibrary:
		case s.ours && (ours == 0 || ratio(v, ours) > 1):
			ours = v
		case !s.ours && (best == 0 || ratio(v, best) > 1):
			best, bestName = v, s.name
		}
	}
	cell := "-"
	if ours > 0 && best > 0 {
		cell = fmt.Sprintf("%.2f", ratio(ours, best))
	}
	t.rows = append(t.rows, append(row, bestName, cell, wanted))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func (t *table) print() {
	if len(t.rows) == 1 {
		return
	}
	fmt.Println(t.title)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	for _, row := range t.rows {
		for _, cell := range row {
			fmt.Fprintf(w, "%s\t", cell)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	fmt.Println()
}
