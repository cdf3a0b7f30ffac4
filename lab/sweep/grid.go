package sweep

import (
	"fmt"
	"slices"

	"strata/lab/workload"
)

// Values are the values of an axis, in the words of its flag.
type Values struct {
	Axis   string   `json:"axis"`
	Values []string `json:"values"`
}

// Grid is a sweep: the product of everything in it.
type Grid struct {
	Workload *workload.Workload
	Engines  []string
	Axes     []Values // the last changes fastest
	Seeds    []uint64
}

// Seeds are n of them, from first on.
func Seeds(first uint64, n int) []uint64 {
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds
}

// Size is how many cells there are.
func (g *Grid) Size() int {
	n := len(g.Engines) * len(g.Seeds)
	for _, a := range g.Axes {
		if n > 1<<40 { // far beyond every bound, and before it overflows
			return n
		}
		n *= len(a.Values)
	}
	return n
}

// Check reports what is wrong with the grid: an axis that the workload has no use
// for, a value that means nothing, more than most cells.
func (g *Grid) Check(most int) error {
	if n := g.Size(); n > most {
		words := ""
		for _, a := range g.Axes {
			words += fmt.Sprintf("%d %s × ", len(a.Values), a.Axis)
		}
		if len(g.Engines) > 1 {
			words += fmt.Sprintf("%d engines × ", len(g.Engines))
		}
		return fmt.Errorf("%s%d seeds are %d cells, and %d are allowed: --max-cells raises that", words, len(g.Seeds), n, most)
	}
	for _, a := range g.Axes {
		for i, v := range a.Values {
			if slices.Contains(a.Values[:i], v) {
				return fmt.Errorf("--%s: %s is there twice", a.Axis, v)
			}
		}
	}
	for _, settings := range g.settings() {
		if _, err := g.Workload.Params(settings); err != nil {
			return err
		}
	}
	return nil
}

// settings are all combinations of values.
func (g *Grid) settings() [][]workload.Setting {
	all := [][]workload.Setting{nil}
	for _, a := range g.Axes {
		var longer [][]workload.Setting
		for _, s := range all {
			for _, v := range a.Values {
				longer = append(longer, append(slices.Clone(s), workload.Setting{Axis: a.Axis, Value: v}))
			}
		}
		all = longer
	}
	return all
}

// Cells are all cells, in the order of the grid: the seeds of a point follow each
// other.
func (g *Grid) Cells() []Cell {
	var cells []Cell
	for _, settings := range g.settings() {
		for _, engine := range g.Engines {
			for _, seed := range g.Seeds {
				cells = append(cells, Cell{Workload: g.Workload.Name, Engine: engine, Settings: settings, Seed: seed})
			}
		}
	}
	return cells
}
