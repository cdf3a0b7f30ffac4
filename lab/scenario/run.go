package scenario

import (
	"fmt"
	"testing"
	"time"

	"strata/lab"
	"strata/lab/workload"
	"strata/link"
	"strata/trace"
)

// Run runs the scenario in a world, with the seed and what else the options say.
func (s *Scenario) Run(t *testing.T, o workload.Options) (*workload.Result, error) {
	p, err := s.Workload.Params(s.Settings)
	if err != nil {
		return nil, err
	}
	p.Clients = len(s.Clients)
	return workload.In(t, s.Workload, p, o, func(w *lab.World, rec trace.Recorder) (*workload.World, error) {
		hosts := map[string]*lab.Host{}
		for _, name := range s.Hosts {
			hosts[name] = w.Host(name)
		}
		wires := map[string]*lab.Wire{}
		for i := range s.Wires {
			d := &s.Wires[i]
			wire := w.Connect(hosts[d.A], hosts[d.B], d.AB, d.BA)
			wires[d.A+" "+d.B] = wire
			wires[d.B+" "+d.A] = wire
		}
		var clients []*lab.Host
		var theirs []*lab.Wire
		for _, c := range s.Clients {
			clients = append(clients, hosts[c])
			theirs = append(theirs, wires[c+" "+s.Server])
		}
		// What is between others is shaped by TCP's parameters too.
		for i := range s.Wires {
			wire := wires[s.Wires[i].A+" "+s.Wires[i].B]
			if s.Wires[i].A != s.Server && s.Wires[i].B != s.Server {
				theirs = append(theirs, wire)
			}
		}
		happening := &happening{w: w, hosts: hosts, wires: wires}
		for i := range s.Timeline {
			happening.plan(&s.Timeline[i])
		}
		return workload.OfHosts(w, hosts[s.Server], clients, theirs, p, rec)
	})
}

// happening makes a timeline happen.
type happening struct {
	w     *lab.World
	hosts map[string]*lab.Host
	wires map[string]*lab.Wire
}

// plan has an event happen when it is due, and undone. The world does not wait for
// events beyond the workload's end.
func (h *happening) plan(e *Event) {
	var undo func()
	h.at(e.At, func() {
		undo = h.do(e)
	})
	if e.For > 0 {
		h.at(e.At+e.For, func() { undo() })
	}
}

// at runs f at a moment, on a goroutine of its own that ends with the world.
func (h *happening) at(d time.Duration, f func()) {
	timer := time.AfterFunc(d, f)
	h.w.OnClose(func() { timer.Stop() })
}

func (h *happening) do(e *Event) (undo func()) {
	if e.Do == Partition {
		var cut []*lab.Host
		for _, name := range e.Cut {
			cut = append(cut, h.hosts[name])
		}
		return h.w.Partition(cut...).Heal
	}
	wire := h.wires[e.From+" "+e.To]
	ways := []*link.Direction{wire.AB()}
	if wire.A.Name() != e.From {
		ways[0] = wire.BA()
	}
	if e.Both {
		ways = []*link.Direction{wire.AB(), wire.BA()}
	}
	var undos []func()
	for _, d := range ways {
		switch e.Do {
		case Blackhole:
			d.Blackhole(true)
			undos = append(undos, func() { d.Blackhole(false) })
		case Down:
			d.Down()
			undos = append(undos, d.Up)
		case Reshape:
			before := d.Shape()
			if err := d.Set(e.New); err != nil {
				h.w.T().Error(fmt.Errorf("at %v: %s: %w", e.At, e.Text, err))
			}
			undos = append(undos, func() { _ = d.Set(before) })
		}
	}
	return func() {
		for _, u := range undos {
			u()
		}
	}
}
