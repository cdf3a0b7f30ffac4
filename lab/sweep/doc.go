// Package sweep runs a workload over the product of axes and seeds: every cell in
// a world of its own, on all cores, and again where it was interrupted.
//
//	chat, _ := workload.Find("socketio-chat")
//	grid := sweep.Grid{Workload: chat, Engines: []string{sweep.Virtual}, Seeds: sweep.Seeds(1, 20), Axes: []sweep.Values{
//		{Axis: "loss", Values: []string{"0", "1%", "5%"}},
//		{Axis: "delay", Values: []string{"10ms", "50ms"}},
//	}}
//	outcomes, err := sweep.Run(ctx, grid.Cells(), sweep.Config{Worker: []string{exe, "lab", "worker"}})
//
// A world in virtual time wants one processor for itself, so cells are run by
// worker processes, as many as there are cores: they take jobs on standard input
// and give answers on standard output, a line of JSON each. A worker that dies
// fails the cell it had, and another takes its place. What a cell gives depends on
// the cell alone, so results are put into the order of the grid, whoever was first.
//
// A [Journal] keeps outcomes in a file as they come; what is in there is not run
// again.
package sweep
