package lab

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"strata/link"
	"strata/trace"
)

// Lost is a packet that the loss model of a wire has lost.
type Lost struct {
	Wire   string // its name
	FromA  bool   // sent by its A end
	Number uint64 // as the direction counts from 1
	Packet string // when it was sent, and what it was
}

// lossPlan notes what the loss models of a world lose, or decides it in their
// place.
type lossPlan struct {
	only map[lostKey]bool // these, and no others; nil lets the models decide

	mu   sync.Mutex
	lost []Lost
}

type lostKey struct {
	wire   string
	fromA  bool
	number uint64
}

// planOf loses these packets and no others.
func planOf(lost []Lost) *lossPlan {
	p := &lossPlan{only: map[lostKey]bool{}}
	for _, l := range lost {
		p.only[lostKey{l.Wire, l.FromA, l.Number}] = true
	}
	return p
}

// follow puts a wire under the plan. The wire gets a rule, so that it is the same
// as with the rules that lose the packets later.
func (p *lossPlan) follow(name string, wire *link.Wire, elapsed func() time.Duration) {
	for _, d := range []*link.Direction{wire.AB(), wire.BA()} {
		fromA := d == wire.AB()
		packet := "" // which the loss model is about to be asked about
		d.Rule(func(v *link.View) link.Verdict {
			packet = fmt.Sprintf("%v after the world began: %s", elapsed().Round(time.Microsecond), describe(v))
			return link.Pass
		})
		d.OverruleLoss(func(number uint64, lost bool) bool {
			if p.only != nil {
				lost = p.only[lostKey{name, fromA, number}]
			}
			if lost {
				p.note(Lost{name, fromA, number, packet})
			}
			return lost
		})
	}
}

// note keeps the losses in the order of wire, direction and number, whatever the
// order in which wires lose them.
func (p *lossPlan) note(l Lost) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, _ := slices.BinarySearchFunc(p.lost, l, func(a, b Lost) int {
		return cmp.Or(cmp.Compare(a.Wire, b.Wire), -compareBool(a.FromA, b.FromA), cmp.Compare(a.Number, b.Number))
	})
	p.lost = slices.Insert(p.lost, i, l)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// describe says in a line what a packet is.
func describe(v *link.View) string {
	e, ok := v.Event(trace.Out)
	if !ok {
		return "no IP packet"
	}
	switch what := e.What.(type) {
	case trace.Segment:
		name := fmt.Sprintf("%v > %v %v", e.Flow.Local, e.Flow.Remote, what.Flags)
		if v.PayloadLen > 0 {
			name += fmt.Sprintf(", bytes %d to %d", v.Stream.Offset, v.Stream.Offset+uint64(v.PayloadLen)-1)
		}
		if v.Stream.Retransmission {
			name += ", again"
		}
		return name
	case trace.Datagram:
		return fmt.Sprintf("%v > %v %s %s", e.Flow.Local, e.Flow.Remote, what.Proto, what.Info)
	case trace.ARP:
		return fmt.Sprintf("neighbour %s for %v", what.Op, what.Target)
	}
	return "a packet"
}
