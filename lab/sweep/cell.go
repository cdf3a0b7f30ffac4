package sweep

import (
	"encoding/json"
	"fmt"
	"strings"

	"strata/lab/workload"
)

// The engines: where a cell is run.
const (
	Virtual  = "virtual"   // a world in virtual time
	RealTime = "real-time" // the same world by the wall's clock
	Kernel   = "kernel"    // kernels in network namespaces, joined by cables
)

// Cell is one run: all that decides what comes out of it.
type Cell struct {
	Workload string             `json:"workload"`
	Engine   string             `json:"engine"`
	Settings []workload.Setting `json:"settings,omitempty"` // that were given, in the order of the axes
	Seed     uint64             `json:"seed"`
}

// Key tells cells apart.
func (c Cell) Key() string {
	b, _ := json.Marshal(c) // strings and a number: it cannot fail
	return string(b)
}

// Command runs the cell alone.
func (c Cell) Command() string {
	words := []string{"strata lab", c.Workload}
	for _, s := range c.Settings {
		words = append(words, s.Flag())
	}
	switch c.Engine {
	case RealTime, Kernel:
		words = append(words, "--engine "+c.Engine)
	}
	return strings.Join(append(words, fmt.Sprintf("--seed %d", c.Seed)), " ")
}

// Outcome is what became of a cell.
type Outcome struct {
	Cell   Cell             `json:"cell"`
	Result *workload.Result `json:"result,omitempty"`
	Error  string           `json:"error,omitempty"` // how it failed; "" where there is a result
}
