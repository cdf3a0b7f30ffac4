//go:build linux

// Command tunbench measures TCP (bulk, round trips of one connection and of a
// hundred, new connections) between a client on the kernel's sockets, a process
// of its own in a network namespace, and a server: ours over a TUN device
// (songgao/water, then with offloads, each with as few processors as the work
// needs, see processors.Spare, and with offloads and all processors), and the
// kernel's over a veth pair for comparison. It takes root, makes its own
// namespaces and removes them.
//
//	go run ./tun/tunbench            # three minutes: 5 rounds of 4 links
//	go run ./tun/tunbench -rounds 3 -mtu 9000 -time 1s
//
// Round trips of one connection depend most on whether the scheduler puts client
// and server on the same processor: waking another one costs many times the work
// itself, for the kernel as for us, and either may happen in any run. So they are
// also measured with both on one, and with each on its own.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var c config
	flag.IntVar(&c.rounds, "rounds", 5, "how often every measurement is repeated, alternating between the links; the median counts")
	flag.DurationVar(&c.time, "time", time.Second, "how long one measurement lasts")
	flag.IntVar(&c.mtu, "mtu", 1500, "of every link, in bytes")
	flag.BoolVar(&c.tap, "tap", false, "TAP instead of TUN devices")
	flag.StringVar(&c.only, "only", "", "measure this link only: water, offload, offload-all or kernel")
	flag.StringVar(&c.job, "job", "", "measure this only: up, down, trips, together, apart, crowd or opens")
	flag.StringVar(&c.cpuprofile, "cpuprofile", "", "write a profile of this process (our side) here")
	asJSON := flag.Bool("json", false, "print JSON instead of the table")
	job := flag.String("client", "", "internal: be the client and do this job")
	addr := flag.String("connect", "", "internal: the server's address")
	processor := flag.Int("processor", -1, "internal: the only processor that the client may use")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *job != "" {
		if *processor >= 0 {
			pin(*processor)
		}
		exit(runClient(*job, *addr, c.time))
		return
	}
	results, err := run(ctx, c)
	if err == nil && *asJSON {
		err = json.NewEncoder(os.Stdout).Encode(results)
	} else if err == nil {
		printTable(os.Stdout, c, results)
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tunbench:", err)
		os.Exit(1)
	}
}
