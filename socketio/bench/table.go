package main

import "fmt"

// table prints what was found. A ratio says how many times better ours is.
func table(ours, node, most *figures, idle int) {
	fmt.Printf("%-44s %12s %12s %9s\n", "", "ours", "node", "ratio")
	row := func(title, format string, ours, node, ratio float64) {
		switch {
		case ours == 0: // it was not measured
		case node == 0:
			fmt.Printf("%-44s %12s\n", title, fmt.Sprintf(format, ours))
		default:
			fmt.Printf("%-44s %12s %12s %8.1f×\n", title, fmt.Sprintf(format, ours), fmt.Sprintf(format, node), ratio)
		}
	}
	row(fmt.Sprintf("memory an idle client, KB (%d clients)", idle), "%.1f", ours.idle/1000, node.idle/1000, node.idle/ours.idle)
	for _, l := range loads {
		o, n := ours.of[l.name], node.of[l.name]
		row(l.title, "%.0f", o.rate, n.rate, o.rate/n.rate)
		row("    p99, ms", "%.1f", o.slowest.Seconds()*1000, n.slowest.Seconds()*1000, n.slowest.Seconds()/o.slowest.Seconds())
	}
	fmt.Println("processor time of the server alone, microseconds")
	for _, l := range loads {
		o, n := ours.of[l.name], node.of[l.name]
		row("  "+l.unit, "%.1f", o.cost, n.cost, n.cost/o.cost)
	}
	for _, l := range loads {
		if f, ok := most.of[l.name]; ok {
			fmt.Printf("what there is to be had: a bare WebSocket that does %s: %.0f a second, %.1f microseconds\n", l.unit, f.rate, f.cost)
		}
	}
}
