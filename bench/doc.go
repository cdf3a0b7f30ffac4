// Command bench measures every floor beside what else there is, in one run, and
// writes BENCHMARKS.json (all figures) and BENCHMARKS.md (ratios):
//
//	go run ./bench          # as root: under 15 minutes
//	go run ./bench -quick   # about two minutes, less exact
//	go run ./bench -only wire,idle -out /tmp
//
// Its parts are the TUN device (tun/tunbench, which takes root), other userspace
// networks (slirp4netns, pasta and those of bench/peers, where they are
// installed), the wire in memory beside the kernel's loopback, what idle
// connections, ten thousand busy ones over the device, and an idle process take,
// and the tables of ws/bench and socketio/bench. A ratio is of medians of runs
// that alternate between us and the other, so that what else the machine does
// meanwhile slows both; more than 1 is always better.
package main
