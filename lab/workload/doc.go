// Package workload has the experiments that strata lab runs: named functions from
// parameters to results, each in one net, from one seed.
//
//	chat, _ := workload.Find("socketio-chat")
//	p, err := chat.Params([]workload.Setting{{Axis: "loss", Value: "5%"}, {Axis: "delay", Value: "50ms"}})
//	…
//	result, err := workload.Run(t, chat, p, workload.Options{Seed: 17})
//	p99, _ := result.Eval("p99(latency)")
//
// A [Workload] sees a [Net]: a server, its clients, a clock, chance from a seed.
// That is a world of package lab in virtual or in real time, and could be kernels
// joined by cables: the workload does not know. What it gives back is a [Result]:
// figures with their units, samples of distributions, the formula that a figure
// stands beside, and the slowest message. A [Params] is made of settings, the
// words that the command line has for its axes.
package workload
