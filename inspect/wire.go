package inspect

import (
	"fmt"
	"sync"
	"sync/atomic"

	"strata/link"
)

// Wire is a wire that is shown and steered.
type Wire struct {
	Wire *link.Wire
	Name string // its ID in the API: letters, digits, "-", "_" and "."; no two have the same
	A, B string // what its ends are attached to: the names of hosts, or of who is beyond
}

// maxDrops bounds the SYN-ACKs that are still to be dropped on one wire: each is
// a rule that is asked about every packet.
const maxDrops = 16

// steered is a wire with what was done to it. The wire itself does not tell
// whether it is down; so what is done to it by others is not known here.
type steered struct {
	Wire
	ab, ba *way
	drops  atomic.Int32 // SYN-ACKs that are still to be dropped
	mu     sync.Mutex   // one request after the other
}

// way is one direction.
type way struct {
	*link.Direction
	id, from, to string
	state        string // "up", "down" or "blackhole"
}

func steer(w Wire) *steered {
	return &steered{
		Wire: w,
		ab:   &way{w.Wire.AB(), "ab", w.A, w.B, "up"},
		ba:   &way{w.Wire.BA(), "ba", w.B, w.A, "up"},
	}
}

// ways are the directions by their name.
func (s *steered) ways(direction string) ([]*way, error) {
	switch direction {
	case "", "both":
		return []*way{s.ab, s.ba}, nil
	case "ab":
		return []*way{s.ab}, nil
	case "ba":
		return []*way{s.ba}, nil
	}
	return nil, fmt.Errorf("direction %q: must be ab (%s to %s), ba (%s to %s) or both", direction, s.A, s.B, s.B, s.A)
}

// set gives all the directions a shape, or none.
func (s *steered) set(ways []*way, shape link.Shape) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range ways {
		if err := w.Set(shape); err != nil { // the first refuses what the second would
			return err
		}
	}
	return nil
}

func (s *steered) blackhole(ways []*way) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range ways {
		w.Blackhole(true)
		w.state = "blackhole"
	}
	return nil
}

func (s *steered) down(ways []*way) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range ways {
		w.Down()
		w.state = "down"
	}
	return nil
}

func (s *steered) up(ways []*way) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range ways {
		w.Up()
		w.Blackhole(false)
		w.state = "up"
	}
	return nil
}

// dropNextSYNACK has the next SYN-ACK that goes one of these ways lost.
func (s *steered) dropNextSYNACK(ways []*way) error {
	if s.drops.Add(1) > maxDrops {
		s.drops.Add(-1)
		return fmt.Errorf("wire %s: %d SYN-ACKs are to be dropped already", s.Name, maxDrops)
	}
	d := &dropOnce{of: s}
	add := s.Wire.Wire.Rule
	if len(ways) == 1 {
		add = ways[0].Rule
	}
	d.guard.Store(add(d.decide))
	if d.done.Load() { // before we knew the guard
		d.guard.Load().Release()
	}
	return nil
}

// dropOnce is a rule that goes when it has dropped a SYN-ACK: a wire with rules
// looks into every packet.
type dropOnce struct {
	of    *steered
	done  atomic.Bool
	guard atomic.Pointer[link.Guard]
}

func (d *dropOnce) decide(v *link.View) link.Verdict {
	if !link.SYNACK(v) || d.done.Swap(true) {
		return link.Pass
	}
	d.of.drops.Add(-1)
	if g := d.guard.Load(); g != nil {
		g.Release()
	}
	return link.Drop
}
