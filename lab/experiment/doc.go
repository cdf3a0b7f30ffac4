// Package experiment is what the command strata lab does: a sweep with a bar, a
// table and a report, or one cell with its timeline.
//
//	err := experiment.Run(ctx, experiment.Config{
//		Workload: "socketio-chat",
//		Axes:     []sweep.Values{{Axis: "loss", Values: []string{"0", "5%"}}},
//		Seeds:    20, Out: "report",
//		Worker:   []string{exe, "lab", "worker"},
//		Stdout:   os.Stdout, Stderr: os.Stderr,
//	})
//
// A worker's command line calls [Worker].
package experiment
