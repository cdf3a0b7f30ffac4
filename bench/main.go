package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// part measures some of the report.
type part struct {
	name string
	run  func(quick bool) ([]Section, error)
}

var parts = []part{
	{"tun", tunPart},
	{"peers", peersPart},
	{"wire", wirePart},
	{"idle", idlePart},
	{"clients", clientsPart},
	{"process", processPart},
	{"ws", wsPart},
	{"socketio", socketioPart},
}

func main() {
	quick := flag.Bool("quick", false, "fewer and shorter runs: about two minutes, and less exact")
	only := flag.String("only", "", "only these parts, such as tun,wire")
	out := flag.String("out", ".", "where BENCHMARKS.json and BENCHMARKS.md go")
	hold := flag.String("hold", "", "internal: hold idle connections of this floor, and say what they take")
	conns := flag.Int("conns", 0, "internal: how many")
	clients := flag.Int("clients", 0, "internal: be so many WebSocket clients, and say how they fared")
	rounds := flag.Int("rounds", 0, "internal: how many messages each of them sends")
	serve := flag.Bool("serve", false, "internal: be their server, and start them")
	idle := flag.Duration("idle", 0, "internal: be a host with nothing to do for so long, and say what it takes")
	flag.Parse()
	var err error
	switch {
	case *hold != "":
		err = holdConns(*hold, *conns)
	case *serve:
		err = serveClients(*clients, *rounds)
	case *clients != 0:
		err = beClients(*clients, *rounds)
	case *idle != 0:
		err = beIdle(*idle)
	default:
		err = run(*quick, *only, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(quick bool, only, out string) error {
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it where go.mod is: go run ./bench")
	}
	wanted := parts
	if only != "" {
		names := strings.Split(only, ",")
		wanted = slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(names, p.name) })
		if len(wanted) != len(names) {
			names = names[:0]
			for _, p := range parts {
				names = append(names, p.name)
			}
			return fmt.Errorf("-only %s: the parts are %s", only, strings.Join(names, ", "))
		}
	}
	start := time.Now()
	r := Report{Date: start.Format(time.DateOnly), Go: runtime.Version(), Processors: runtime.NumCPU(), Kernel: kernelRelease(), Quick: quick, Load: loadAverage()}
	for _, p := range wanted {
		fmt.Fprintf(os.Stderr, "%s ...\n", p.name)
		sections, err := p.run(quick)
		if err != nil {
			// The other parts are worth having all the same; the report says so.
			fmt.Fprintf(os.Stderr, "%s: %v\n", p.name, err)
			sections = append(sections, Section{Title: p.name, Note: "Not measured: " + err.Error()})
		}
		r.Sections = append(r.Sections, sections...)
	}
	r.Seconds = int(time.Since(start).Seconds())
	if err := r.save(filepath.Join(out, "BENCHMARKS.json")); err != nil {
		return err
	}
	text := r.markdown()
	fmt.Print(text)
	return os.WriteFile(filepath.Join(out, "BENCHMARKS.md"), []byte(text), 0o644)
}

func kernelRelease() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// kernelCongestion is the congestion control of the kernel's sockets here; "" where
// nobody knows.
func kernelCongestion() string {
	b, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	return strings.TrimSpace(string(b))
}

// ofKernel is a note's sentence on the kernel's congestion control.
func ofKernel(congestion string) string {
	if congestion == "" {
		return ""
	}
	return " The kernel's congestion control was " + congestion + "; ours is reno."
}

// loadAverage is how busy the machine was before, as /proc/loadavg has it for
// the last minute.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
