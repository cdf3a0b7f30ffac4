//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"strata/processors"
	"strata/tun/netconf"
)

type config struct {
	rounds     int
	time       time.Duration
	mtu        int
	tap        bool
	only, job  string
	cpuprofile string
}

// The links that are compared.
const (
	water   = "water"
	offload = "offload"
	all     = "offload-all" // the same with all processors; the others of ours have what processors.Spare leaves
	kernel  = "kernel"
)

// result is one link's medians.
type result struct {
	Link string             `json:"link"`
	Rate map[string]float64 `json:"rate"` // by job: Gbit/s, or round trips or connections a second
	// Ratio is to the kernel's on the same job.
	Ratio map[string]float64 `json:"ratio"`
	// CPU is seconds of processor time by job, server and client together: a
	// gigabyte, or a million round trips or connections.
	CPU map[string]float64 `json:"cpu"`
	// Congestion is the congestion control of the kernel's sockets.
	Congestion string `json:"congestion"`
}

func run(ctx context.Context, c config) ([]result, error) {
	links := []string{water, offload, all, kernel}
	if c.only != "" {
		if !slices.Contains(links, c.only) {
			return nil, fmt.Errorf("-only %s: it is %s", c.only, strings.Join(links, ", "))
		}
		links = []string{c.only}
	}
	jobs := jobs
	if c.job != "" {
		if !slices.Contains(jobs, c.job) {
			return nil, fmt.Errorf("-job %s: it is %s", c.job, strings.Join(jobs, ", "))
		}
		jobs = []string{c.job}
	}
	if c.rounds < 1 || c.rounds > 100 || c.time <= 0 || c.time > time.Minute {
		return nil, fmt.Errorf("-rounds 1 to 100, -time up to 1m")
	}
	rigs := make(map[string]*rig)
	for _, link := range links {
		r, err := newRig(link, c)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		rigs[link] = r
	}
	if c.cpuprofile != "" {
		f, err := os.Create(c.cpuprofile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	rates, cpu := samples{}, samples{}
	// Alternating: what else the machine does at a time slows all links alike.
	for range c.rounds {
		for _, job := range jobs {
			for _, link := range links {
				m, total, err := rigs[link].measure(ctx, job, c.time)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", link, job, err)
				}
				rates.add(link, job, m.rate(job))
				cpu.add(link, job, total.Seconds()/m.work(job))
			}
		}
	}
	var out []result
	for _, link := range links {
		r := result{Link: link, Rate: map[string]float64{}, Ratio: map[string]float64{}, CPU: map[string]float64{}, Congestion: rigs[link].congestion}
		for _, job := range jobs {
			r.Rate[job] = rates.median(link, job)
			r.CPU[job] = cpu.median(link, job)
			if k := rates.median(kernel, job); k > 0 {
				r.Ratio[job] = r.Rate[job] / k
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// measure runs the client in the rig's namespace. The processor time is that of
// both processes.
func (r *rig) measure(ctx context.Context, job string, d time.Duration) (measurement, time.Duration, error) {
	var m measurement
	ctx, cancel := context.WithTimeout(ctx, d+20*time.Second)
	defer cancel()
	near, far, err := places(job)
	if err != nil {
		return m, 0, err
	}
	if far >= 0 {
		defer pin(far)()
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-client", job, "-connect", r.addr, "-time", d.String(), "-processor", strconv.Itoa(near))
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, os.Stderr
	if r.spare {
		defer processors.Spare()()
	}
	before, _ := processors.Time()
	// A process is born in the namespace of the thread that starts it.
	if err := netconf.InNamespace(r.netns, cmd.Start); err != nil {
		return m, 0, err
	}
	if err := cmd.Wait(); err != nil {
		return m, 0, fmt.Errorf("client: %w", err)
	}
	after, _ := processors.Time()
	server := after - before
	if err := json.Unmarshal(stdout.Bytes(), &m); err != nil {
		return m, 0, fmt.Errorf("client: %w", err)
	}
	return m, server + m.CPU, nil
}

// samples are measurements by link and job.
type samples map[[2]string][]float64

func (s samples) add(link, job string, v float64) {
	s[[2]string{link, job}] = append(s[[2]string{link, job}], v)
}

func (s samples) median(link, job string) float64 {
	v := slices.SortedFunc(slices.Values(s[[2]string{link, job}]), cmp.Compare[float64])
	switch n := len(v); {
	case n == 0:
		return 0
	case n%2 == 1:
		return v[n/2]
	default:
		return (v[n/2-1] + v[n/2]) / 2
	}
}

func printTable(w io.Writer, c config, results []result) {
	kind := "TUN"
	if c.tap {
		kind = "TAP"
	}
	fmt.Fprintf(w, "A client process on kernel sockets in a namespace, %s, MTU %d; medians of %d alternating runs of %v.\n", kind, c.mtu, c.rounds, c.time)
	if len(results) > 0 {
		fmt.Fprintf(w, "The kernel's congestion control is %s.\n", results[0].Congestion)
	}
	fmt.Fprintln(w, "× is the ratio to the kernel on both ends of a veth pair; CPU is both sides' seconds a gigabyte, or a million.")
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t×\tCPU s\t", r.Link)
	}
	fmt.Fprintln(t)
	for _, job := range jobs {
		if c.job != "" && c.job != job {
			continue
		}
		format := "%.0f\t%.2f\t%.0f\t"
		if !counted(job) {
			format = "%.2f\t%.2f\t%.2f\t"
		}
		fmt.Fprint(t, titles[job], "\t")
		for _, r := range results {
			fmt.Fprintf(t, format, r.Rate[job], r.Ratio[job], r.CPU[job])
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// titles say what a job's rate is.
var titles = map[string]string{
	upload:    "kernel to us, Gbit/s",
	download:  "us to kernel, Gbit/s",
	roundTrip: "64 B round trips/s",
	together:  "64 B round trips/s, both on one processor",
	apart:     "64 B round trips/s, each on its own",
	crowd:     "64 B round trips/s, 100 connections",
	connect:   "new connections/s",
}
