package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

//go:embed server.cjs
var official string

func main() {
	serving := flag.Bool("serve", false, "be the server that is measured")
	bare := flag.Bool("ceiling", false, "with -serve: answer without being Socket.IO")
	quick := flag.Bool("quick", false, "measure for a shorter time, with fewer idle clients")
	packages := flag.String("packages", "socketio/interop/node_modules", "where socket.io of npm is")
	flag.Parse()
	if *serving {
		if err := serve(*bare); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(*quick, *packages); err != nil {
		fmt.Fprintln(os.Stderr, "bench-socketio:", err)
		os.Exit(1)
	}
}

// figures are what one server reached.
type figures struct {
	idle        float64 // bytes a client
	echoes      float64 // a second
	deliveries  float64 // a second
	slowest     time.Duration
	connections float64 // a second
	upgrades    float64 // connections that change from long-polling to WebSocket, a second
	perEcho     float64 // microseconds of the server's processor time
	perDelivery float64
	perConnect  float64
	perUpgrade  float64
}

func run(quick bool, packages string) error {
	idle, span := 5000, 10*time.Second
	if quick {
		idle, span = 2000, 3*time.Second
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	most, err := measureCeiling(exec.Command(self, "-serve", "-ceiling"), span)
	if err != nil {
		return fmt.Errorf("the ceiling: %w", err)
	}
	ours, err := measure(exec.Command(self, "-serve"), idle, span)
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	packages, err = filepath.Abs(packages)
	if err != nil {
		return err
	}
	var node *figures
	if _, err := os.Stat(filepath.Join(packages, "socket.io")); err != nil {
		fmt.Println("without Node: npm ci --prefix socketio/interop --ignore-scripts")
	} else if node, err = measure(exec.Command("node", "-e", official, packages), idle, span); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	line := func(what, ours, node string, ratio float64) {
		if node == "" {
			fmt.Printf("%-44s %12s\n", what, ours)
			return
		}
		fmt.Printf("%-44s %12s %12s %8.1f×\n", what, ours, node, ratio)
	}
	fmt.Printf("%-44s %12s %12s %9s\n", "", "ours", "node", "ratio")
	if node == nil {
		node = &figures{}
	}
	text := func(format string, v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf(format, v)
	}
	line(fmt.Sprintf("memory an idle client, KB (%d clients)", idle), text("%.1f", ours.idle/1000), text("%.1f", node.idle/1000), node.idle/ours.idle)
	line("echoes with ack a second, 1,000 clients", text("%.0f", ours.echoes), text("%.0f", node.echoes), ours.echoes/node.echoes)
	line("deliveries of a broadcast a second, 1,000", text("%.0f", ours.deliveries), text("%.0f", node.deliveries), ours.deliveries/node.deliveries)
	line("  its p99, ms", text("%.1f", ours.slowest.Seconds()*1000), text("%.1f", node.slowest.Seconds()*1000), node.slowest.Seconds()/ours.slowest.Seconds())
	line("connections a second, WebSocket", text("%.0f", ours.connections), text("%.0f", node.connections), ours.connections/node.connections)
	line("connections a second, polling, then upgrade", text("%.0f", ours.upgrades), text("%.0f", node.upgrades), ours.upgrades/node.upgrades)
	fmt.Println("processor time of the server alone, microseconds")
	line("  an echo with ack", text("%.1f", ours.perEcho), text("%.1f", node.perEcho), node.perEcho/ours.perEcho)
	line("  a delivery", text("%.1f", ours.perDelivery), text("%.1f", node.perDelivery), node.perDelivery/ours.perDelivery)
	line("  a connection, WebSocket", text("%.0f", ours.perConnect), text("%.0f", node.perConnect), node.perConnect/ours.perConnect)
	line("  a connection, polling, then upgrade", text("%.0f", ours.perUpgrade), text("%.0f", node.perUpgrade), node.perUpgrade/ours.perUpgrade)
	fmt.Printf("what there is to be had: a bare WebSocket that echoes: %.0f a second, %.1f microseconds\n", most.echoes, most.perEcho)
	return nil
}

// start starts a server; stop ends it.
func start(cmd *exec.Cmd) (url string, stop func(), err error) {
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { stdin.Close(); _ = cmd.Wait() }
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, err
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port), stop, nil
}

// measureCeiling puts a server under the load of echoes.
func measureCeiling(cmd *exec.Cmd, span time.Duration) (*figures, error) {
	url, stop, err := start(cmd)
	if err != nil {
		return nil, err
	}
	defer stop()
	var f figures
	f.echoes, f.perEcho, err = echo(url, cmd.Process.Pid, 1000, span)
	return &f, err
}

// measure starts a server, and puts it under each load.
func measure(cmd *exec.Cmd, idle int, span time.Duration) (*figures, error) {
	url, stop, err := start(cmd)
	if err != nil {
		return nil, err
	}
	defer stop()
	pid := cmd.Process.Pid
	var f figures
	if f.idle, err = idleMemory(url, pid, idle); err != nil {
		return nil, err
	}
	if f.echoes, f.perEcho, err = echo(url, pid, 1000, span); err != nil {
		return nil, err
	}
	if err = broadcast(&f, url, pid, 1000, span); err != nil {
		return nil, err
	}
	if f.connections, f.perConnect, err = connect(pid, span, func() error {
		c, err := dial(url, func([]byte) {})
		if err == nil {
			c.close()
		}
		return err
	}); err != nil {
		return nil, err
	}
	f.upgrades, f.perUpgrade, err = connect(pid, span, func() error { return upgrade(url) })
	return &f, err
}

// crowd is n clients that are connected.
func crowd(url string, n int, told func(i int, packet []byte)) ([]*client, error) {
	all := make([]*client, n)
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	next := atomic.Int64{}
	for range 32 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				c, err := dial(url, func(p []byte) { told(i, p) })
				if err != nil {
					failed.Store(&err)
					return
				}
				all[i] = c
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return all, nil
}

func closeAll(all []*client) {
	for _, c := range all {
		c.close()
	}
}

// idleMemory is by how much the server's resident memory grows with each client
// that does nothing, after it had time to give back what it only needed to
// connect them.
func idleMemory(url string, pid, n int) (float64, error) {
	warm, err := crowd(url, 100, func(int, []byte) {})
	if err != nil {
		return 0, err
	}
	before, err := resident(pid)
	if err != nil {
		return 0, err
	}
	all, err := crowd(url, n, func(int, []byte) {})
	if err != nil {
		return 0, err
	}
	time.Sleep(5 * time.Second)
	after, err := resident(pid)
	closeAll(all)
	closeAll(warm)
	return float64(after-before) / float64(n), err
}

// resident is the resident memory of a process, bytes.
func resident(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("process %d says nothing of its memory", pid)
}

// echo has each of n clients wait for the answer to one event at a time.
func echo(url string, pid, n int, span time.Duration) (rate, cost float64, err error) {
	event := `420["echo","` + strings.Repeat("x", 80) + `"]`
	var all []*client
	var count atomic.Int64
	all, err = crowd(url, n, func(i int, _ []byte) {
		count.Add(1)
		all[i].say(event)
	})
	if err != nil {
		return 0, 0, err
	}
	for _, c := range all {
		c.say(event)
	}
	time.Sleep(span / 4)
	from, used, at := count.Load(), processorTime(pid), time.Now()
	time.Sleep(span)
	done := float64(count.Load() - from)
	rate, cost = done/time.Since(at).Seconds(), (processorTime(pid)-used)/done
	closeAll(all)
	return rate, cost, nil
}

// broadcast has one event after the other sent to n clients; the next begins
// when the last has it.
func broadcast(f *figures, url string, pid, n int, span time.Duration) error {
	began := time.Now()
	var mu sync.Mutex
	var took []time.Duration
	var left atomic.Int64
	done := make(chan bool, 1)
	all, err := crowd(url, n, func(_ int, p []byte) {
		text := strings.TrimSuffix(string(p[strings.LastIndexByte(string(p), ',')+1:]), "]")
		if at, err := strconv.ParseInt(text, 10, 64); err == nil {
			d := time.Since(began) - time.Duration(at)*time.Microsecond
			mu.Lock()
			took = append(took, d)
			mu.Unlock()
		}
		if left.Add(-1) == 0 {
			done <- true
		}
	})
	if err != nil {
		return err
	}
	defer closeAll(all)
	used, at := processorTime(pid), time.Now()
	for time.Since(at) < span {
		left.Store(int64(n))
		all[0].say(fmt.Sprintf(`42["all",%d]`, time.Since(began).Microseconds()))
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			return fmt.Errorf("%d of a broadcast are missing", left.Load())
		}
	}
	f.deliveries = float64(len(took)) / time.Since(at).Seconds()
	f.perDelivery = (processorTime(pid) - used) / float64(len(took))
	slices.Sort(took)
	f.slowest = took[len(took)*99/100]
	return nil
}

// connect has 32 clients connect, join and go as fast as they can.
func connect(pid int, span time.Duration, once func() error) (rate, cost float64, err error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	used, at := processorTime(pid), time.Now()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for time.Since(at) < span {
				if err := once(); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	done := float64(count.Load())
	return done / time.Since(at).Seconds(), (processorTime(pid) - used) / done, nil
}

// processorTime is what a process has used of the processors, microseconds; 0 of
// one that is gone.
func processorTime(pid int) float64 {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11]) // in hundredths of a second, as proc(5) has it
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) * 10_000
}
