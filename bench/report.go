package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Report is everything that a run found.
type Report struct {
	Date       string    `json:"date"`
	Go         string    `json:"go"`
	Kernel     string    `json:"kernel"`
	Processors int       `json:"processors"`
	Load       string    `json:"load"` // of the minute before the run
	Quick      bool      `json:"quick"`
	Seconds    int       `json:"seconds"` // how long it took
	Sections   []Section `json:"sections"`
}

// Section is a table.
type Section struct {
	Title string `json:"title"`
	Note  string `json:"note"` // how to read it
	Rows  []Row  `json:"rows"`

	figures bool // the table has those behind the ratios too
}

// Row is one thing measured.
type Row struct {
	What   string  `json:"what"`
	Beside string  `json:"beside,omitempty"` // whom Theirs is of
	Ours   float64 `json:"ours,omitempty"`
	Theirs float64 `json:"theirs,omitempty"`
	Unit   string  `json:"unit,omitempty"`

	// Ratio is how much better ours is: more than 1 is better, whether more or
	// less of the unit is. 0: nothing to compare with, Ours says it.
	Ratio float64 `json:"ratio,omitempty"`

	Wanted float64 `json:"wanted,omitempty"` // the least Ratio, or where there is none the most of Ours; 0: nothing said
}

// faster is a row of something of which more is better.
func faster(what, beside, unit string, ours, theirs, wanted float64) Row {
	return Row{What: what, Beside: beside, Unit: unit, Ours: ours, Theirs: theirs, Ratio: ours / theirs, Wanted: wanted}
}

// met says whether what is wanted is reached; true where nothing is.
func (r Row) met() bool {
	if r.Ratio == 0 {
		return r.Wanted == 0 || r.Ours <= r.Wanted
	}
	return r.Ratio >= r.Wanted
}

func (r Row) cells() (value, wanted string) {
	if r.Ratio != 0 {
		if r.Wanted != 0 {
			wanted = fmt.Sprintf("≥ %g", r.Wanted)
		}
		return fmt.Sprintf("%.2f×", r.Ratio), wanted
	}
	if r.Wanted != 0 {
		wanted = fmt.Sprintf("≤ %g %s", r.Wanted, r.Unit)
	}
	return fmt.Sprintf("%.4g %s", r.Ours, r.Unit), wanted
}

func (r *Report) save(path string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// markdown has the ratios, and of the figures only those that do not depend on
// how fast the machine is.
func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `make bench` on %s in %d min %d s: %s, Linux %s, %d processors, load %s in the minute before.",
		r.Date, r.Seconds/60, r.Seconds%60, r.Go, r.Kernel, r.Processors, r.Load)
	if r.Quick {
		b.WriteString(" A quick run (`-quick`): less exact.")
	}
	b.WriteString(`

A figure with × is a ratio to what it is measured beside, in the same run, the two
by turns; more is better, and 1 is as good. It is the ratios that can be compared
from one machine to another; the figures behind them are in BENCHMARKS.json. Where
the load is far from 0, other programs took a part of every run, of both sides
alike at best: read a ratio then as good to a third.
`)
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.Title, s.Note)
		if len(s.Rows) == 0 {
			continue
		}
		b.WriteString("\n| what | beside | | wanted |\n|---|---|---:|---:|\n")
		for _, row := range s.Rows {
			value, wanted := row.cells()
			if s.figures {
				value += fmt.Sprintf(" (%.3g, theirs %.3g %s)", row.Ours, row.Theirs, row.Unit)
			}
			if !row.met() {
				wanted += " ✗"
			} else if wanted != "" {
				wanted += " ✓"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.What, row.Beside, value, wanted)
		}
	}
	return b.String()
}
