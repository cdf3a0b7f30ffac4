package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed server.cjs
var official string

func main() {
	serving := flag.Bool("serve", false, "be the server that is measured")
	bare := flag.Bool("ceiling", false, "with -serve: answer without being Socket.IO")
	profile := flag.String("profile", "", "write what our server does with the processors to this `file`, for go tool pprof")
	quick := flag.Bool("quick", false, "measure for a shorter time, with fewer idle clients")
	only := flag.String("only", "", "only these `loads`, with commas between: idle, echo, echo8, broadcast, broadcast8, connect, upgrade")
	packages := flag.String("packages", "socketio/interop/node_modules", "where socket.io of npm is; \"\": Node is not measured")
	flag.Parse()
	if *serving {
		if err := serve(*bare, *profile); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(*quick, *only, *packages, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench-socketio:", err)
		os.Exit(1)
	}
}

// load is what a server is put under. Each finds a figure.
type load struct {
	name, title, unit string
	run               func(addr string, pid int, span time.Duration) (figure, error)
}

const (
	clients  = 1000
	underWay = 8
)

var loads = []load{
	{"echo", "echoes with ack a second, 1,000 clients", "an echo", func(addr string, pid int, span time.Duration) (figure, error) {
		return echo(addr, pid, clients, 1, span)
	}},
	{"echo8", "  8 of each client under way", "an echo, 8 under way", func(addr string, pid int, span time.Duration) (figure, error) {
		return echo(addr, pid, clients, underWay, span)
	}},
	{"broadcast", "deliveries of a broadcast a second, 1,000", "a delivery", func(addr string, pid int, span time.Duration) (figure, error) {
		return broadcast(addr, pid, clients, 1, span)
	}},
	{"broadcast8", "  8 broadcasts under way", "a delivery, 8 under way", func(addr string, pid int, span time.Duration) (figure, error) {
		return broadcast(addr, pid, clients, underWay, span)
	}},
	{"connect", "connections a second, WebSocket", "a connection, WebSocket", func(addr string, pid int, span time.Duration) (figure, error) {
		return connect(pid, span, func() (func() error, func()) {
			return func() error {
				p, err := dial(addr)
				if err == nil {
					p.conn.Close()
				}
				return err
			}, func() {}
		})
	}},
	{"upgrade", "connections a second, polling, then upgrade", "a connection, polling, then upgrade", func(addr string, pid int, span time.Duration) (figure, error) {
		return connect(pid, span, func() (func() error, func()) {
			p := &poller{addr: addr}
			return p.upgrade, p.close
		})
	}},
}

func run(quick bool, only, packages, profile string) error {
	idle, span := 5000, 10*time.Second
	if quick {
		idle, span = 2000, 3*time.Second
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	asked := func(name string) bool { return only == "" || slices.Contains(strings.Split(only, ","), name) }
	wanted := func(l load) bool { return asked(l.name) }
	most, err := measure(exec.Command(self, "-serve", "-ceiling"), 0, span, func(l load) bool {
		return wanted(l) && strings.HasPrefix(l.name, "echo")
	})
	if err != nil {
		return fmt.Errorf("the ceiling: %w", err)
	}
	if !asked("idle") {
		idle = 0
	}
	ours, err := measure(exec.Command(self, "-serve", "-profile", profile), idle, span, wanted)
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	node := &figures{of: map[string]figure{}}
	if packages != "" {
		if packages, err = filepath.Abs(packages); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(packages, "socket.io")); err != nil {
			fmt.Println("without Node: npm ci --prefix socketio/interop --ignore-scripts")
		} else if node, err = measure(exec.Command("node", "-e", official, packages), idle, span, wanted); err != nil {
			return fmt.Errorf("node: %w", err)
		}
	}
	table(ours, node, most, idle)
	return nil
}

// figures are what one server reached.
type figures struct {
	idle float64 // bytes a client
	of   map[string]figure
}

// measure starts a server, and puts it under each load that is wanted.
func measure(cmd *exec.Cmd, idle int, span time.Duration, wanted func(load) bool) (*figures, error) {
	addr, stop, err := start(cmd)
	if err != nil {
		return nil, err
	}
	defer stop()
	pid := cmd.Process.Pid
	f := figures{of: map[string]figure{}}
	if idle > 0 {
		if f.idle, err = idleMemory(addr, pid, idle); err != nil {
			return nil, err
		}
	}
	for _, l := range loads {
		if wanted(l) {
			if f.of[l.name], err = l.run(addr, pid, span); err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	return &f, nil
}
