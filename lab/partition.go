package lab

import "sync"

// Partition cuts a set of hosts off from all others: what crosses is lost, in
// both directions, without anybody being told. Heal ends it.
func (w *World) Partition(hosts ...*Host) *Partition {
	inside := map[*Host]bool{}
	for _, h := range hosts {
		inside[h] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &Partition{world: w}
	for _, wire := range w.wires {
		if inside[wire.A] != inside[wire.B] {
			p.wires = append(p.wires, wire)
			wire.cut++
			wire.blackhole()
		}
	}
	for _, lan := range w.lans {
		p.heal = append(p.heal, lan.separate(inside))
	}
	return p
}

// Partition is a cut through a world.
type Partition struct {
	world *World
	wires []*Wire
	heal  []func() // of LANs
	once  sync.Once
}

// Heal joins what was cut, where no other partition cuts it too. It may be
// called again.
func (p *Partition) Heal() {
	p.once.Do(func() {
		p.world.mu.Lock()
		defer p.world.mu.Unlock()
		for _, wire := range p.wires {
			wire.cut--
			wire.blackhole()
		}
		for _, heal := range p.heal {
			heal()
		}
	})
}

// blackhole makes both directions what the partitions say.
func (w *Wire) blackhole() {
	w.AB().Blackhole(w.cut > 0)
	w.BA().Blackhole(w.cut > 0)
}
