package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// latencies measures the round trips of messages that are alone: a millisecond of
// silence is between them.
func latencies(dial dialFunc, seconds float64, use usageFunc) (trips []time.Duration, f figure, err error) {
	c, err := newClient(dial, "")
	if err != nil {
		return nil, figure{}, err
	}
	defer c.Close()
	message := frame(0x82, make([]byte, 64))
	f, err = use.during(func() (int, error) {
		for start := time.Now(); time.Since(start).Seconds() < seconds; time.Sleep(time.Millisecond) {
			sent := time.Now()
			if _, err := c.Write(message); err != nil {
				return 0, err
			}
			if err := c.await(1); err != nil {
				return 0, err
			}
			trips = append(trips, time.Since(sent))
		}
		return len(trips), nil
	})
	return trips, f, err
}

// latencyTable prints what a lone message takes. strata/loop is a plain Read and
// Write: what strata/event and strata/batch hold back must not cost a lone message
// anything.
func latencyTable(rounds int, seconds float64) error {
	fmt.Fprintln(os.Stderr, "lone messages ...")
	fmt.Printf("round trip of a lone message of 64 B, one a millisecond, µs, and the server's processor time for it\n")
	trips, cpus := make([][]time.Duration, len(servers)), make([][]float64, len(servers))
	for range rounds {
		for i, s := range servers {
			_, err := withChild(s, serverOptions{}, func(c *child) (figure, error) {
				some, f, err := latencies(dialTCP(c.addr), seconds, c.usage)
				trips[i] = append(trips[i], some...)
				cpus[i] = append(cpus[i], f.cpu.Seconds()*1e6)
				return f, err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "server\tmedian\t99 %\tprocessor time\t")
	for i, s := range servers {
		slices.Sort(trips[i])
		at := func(share float64) float64 { return trips[i][int(share*float64(len(trips[i])-1))].Seconds() * 1e6 }
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.1f\t\n", s.name, at(0.5), at(0.99), median(cpus[i]))
	}
	w.Flush()
	fmt.Println()
	return nil
}
