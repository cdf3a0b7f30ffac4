package workload

import (
	"errors"
	"fmt"
	"testing"

	"strata/lab"
	"strata/trace"
)

// Options say how a workload is run.
type Options struct {
	Seed     uint64     // 0 is 1
	RealTime bool       // by the wall's clock
	Record   *Recording // filled with all that happens; nil is not
	Capture  string     // a file for all packets (pcapng); "" is none
}

// Run runs a workload in a world of its own. An error says how it failed.
func Run(t *testing.T, w *Workload, p *Params, o Options) (*Result, error) {
	return In(t, w, p, o, func(world *lab.World, rec trace.Recorder) (*World, error) { return NewWorld(world, p, rec) })
}

// In is Run with hosts and wires that build makes.
func In(t *testing.T, w *Workload, p *Params, o Options, build func(*lab.World, trace.Recorder) (*World, error)) (*Result, error) {
	opts := []lab.Option{lab.Seed(max(o.Seed, 1))}
	if o.RealTime {
		opts = append(opts, lab.RealTime())
	}
	var rec trace.Recorder
	if o.Record != nil {
		rec = o.Record
		opts = append(opts, lab.Record(rec))
	}
	var result *Result
	err := lab.Try(t, func(world *lab.World) error {
		if o.Capture != "" {
			world.Capture(o.Capture)
		}
		if o.Record != nil {
			o.Record.Began = world.Now()
		}
		n, err := build(world, rec)
		if err != nil {
			return err
		}
		result, err = w.Do(n, p)
		return err
	}, opts...)
	if err == nil && result == nil {
		err = errors.New("it gave no result")
	}
	return result, err
}

// Do runs the workload in a net that is there already.
func (w *Workload) Do(n Net, p *Params) (*Result, error) {
	r, err := w.run(n, p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.Name, err)
	}
	r.settle()
	return r, nil
}
