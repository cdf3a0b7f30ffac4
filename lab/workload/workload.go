package workload

import (
	"fmt"
	"slices"
	"strings"
)

// Workload is a named experiment.
type Workload struct {
	Name  string
	Short string // one line, for a list
	Long  string // what it does and what its figures are, for the help

	// Defaults are the values of axes where the settings have none, in the
	// words of those.
	Defaults []Setting

	// Axes are those that the workload has use for, by name, beside those of
	// the wires and of TCP, which all have.
	Axes []string

	// Columns are what a table shows of it.
	Columns []Column

	// Advice is a table of formulas for the path, shown below the results; nil
	// is none.
	Advice func(p *Params) *Table

	clients int // that it needs, where it has no such axis
	run     func(n Net, p *Params) (*Result, error)
}

// Column is an expression (see [Result.Eval]) and what it is called.
type Column struct{ Title, Expr string }

// Table is rows of text under a title.
type Table struct {
	Title string     `json:"title"`
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
	Note  string     `json:"note,omitempty"` // what is behind it
}

// All are the workloads, in the order in which they are listed.
func All() []*Workload {
	return []*Workload{handshake, bulk, wsEcho, chat, halfOpen, storm, headOfLine}
}

// Find is the workload of that name.
func Find(name string) (*Workload, error) {
	var names []string
	for _, w := range All() {
		if w.Name == name {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return nil, fmt.Errorf("no workload is called %q; there are %s", name, strings.Join(names, ", "))
}

// Takes reports whether the workload has use for the axis of that name.
func (w *Workload) Takes(axis string) bool {
	a, ok := axisNamed(axis)
	return ok && (a.common || slices.Contains(w.Axes, axis))
}

// AxisNames are the axes that the workload has use for, in the order of [Axes].
func (w *Workload) AxisNames() []string {
	var names []string
	for _, a := range axes {
		if w.Takes(a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// Default is the value of an axis where the settings have none; "" leaves it to
// the network.
func (w *Workload) Default(axis string) string {
	for _, d := range w.Defaults {
		if d.Axis == axis {
			return d.Value
		}
	}
	return ""
}
