package lab

import (
	"fmt"
	"strings"

	"strata/link"
)

// fates says what became of the packets that one direction of a wire was given.
func fates(c link.Counters) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sent", c.Packets)
	add := func(n uint64, what string) {
		if n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, what)
		}
	}
	add(c.Duplicated, "doubled")
	add(c.Injected, "injected")
	fmt.Fprintf(&b, ", %d arrived", c.Delivered)
	add(c.Corrupted, "corrupted")
	add(c.Reordered, "overtaken")
	add(c.DroppedLoss, "lost by the loss model")
	add(c.DroppedRule, "dropped by a rule")
	add(c.DroppedFull+c.DroppedHead+c.DroppedCoDel, "dropped by a queue")
	add(c.DroppedMTU, "too large")
	add(c.DroppedDown, "lost while it was down")
	add(c.DroppedBlackhole, "lost in a partition or blackhole")
	add(c.DroppedCorrupt, "of those corrupted found by the end")
	add(c.DroppedDetached, "with no host at the end")
	add(c.DroppedClosed, "lost when it was closed")
	add(uint64(c.UnderWay), "under way")
	return b.String()
}

// eachDirection calls f with every direction of every wire, and what it is
// called.
func (w *World) eachDirection(f func(name string, d *link.Direction)) {
	for _, wire := range w.wires {
		f(wire.Name+" from "+wire.A.Name(), wire.AB())
		f(wire.Name+" from "+wire.B.Name(), wire.BA())
	}
	for _, lan := range w.lans {
		for _, p := range lan.ports {
			f(p.name+" from "+p.host.Name(), p.wire.AB())
			f(p.name+" from the switch", p.wire.BA())
		}
	}
}

// wirestats is a look at every wire that carried something.
func (w *World) wirestats() string {
	var b strings.Builder
	shown := 0
	w.eachDirection(func(name string, d *link.Direction) {
		c := d.Counters()
		if c.Packets+c.Injected == 0 {
			return
		}
		if shown++; shown <= 2*maxNetstats {
			fmt.Fprintf(&b, "%s: %s\n", name, fates(c))
		}
	})
	if shown > 2*maxNetstats {
		fmt.Fprintf(&b, "… and %d more directions of wires\n", shown-2*maxNetstats)
	}
	return b.String()
}
