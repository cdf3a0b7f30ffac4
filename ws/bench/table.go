package main

import (
	"errors"
	"fmt"
	"os"
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

// row measures all servers, one after the other. The ratio is our best to the
// best library's.
func (t *table) row(k kind, measure func(server) (float64, error)) {
	row := []string{k.name, k.unit}
	var best, ours float64
	var bestName string
	for _, s := range servers {
		fmt.Fprintf(os.Stderr, "%s: %s ...\x1b[K\r", k.name, s.name)
		v, err := measure(s)
		switch {
		case errors.Is(err, errSkip):
			row = append(row, "-")
			continue
		case err != nil:
			fmt.Fprintf(os.Stderr, "%s: %s: %v\x1b[K\n", k.name, s.name, err)
			row = append(row, "failed")
			continue
		}
		row = append(row, fmt.Sprintf("%.0f", v))
		if s.ours {
			ours = max(ours, v)
		} else if !s.noLibrary && v > best {
			best, bestName = v, s.name
		}
	}
	ratio := "-"
	if best > 0 {
		ratio = fmt.Sprintf("%.2f", ours/best)
	}
	t.rows = append(t.rows, append(row, bestName, ratio, k.wanted))
	fmt.Fprint(os.Stderr, "\x1b[K")
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
