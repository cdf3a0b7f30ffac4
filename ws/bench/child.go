package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is a process of its own, so that its memory and allocations are its
// own. It prints its address, and answers each line on its input with its heap,
// stacks, allocations so far and processor time so far.

// profile is where processor profiles go; empty: nowhere.
var profile string

func runChild(name string, o serverOptions) {
	if profile != "" {
		f, err := os.Create(profile + "." + strings.ReplaceAll(name, "/", "-"))
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	for _, s := range append(servers, held) {
		if s.name != name {
			continue
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(ln.Addr())
		go s.serve(ln, o)
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			if in.Text() == "settled" {
				// Twice, so that pools are empty: what is left is held.
				runtime.GC()
				runtime.GC()
				debug.FreeOSMemory()
			}
			u := ownUsage()
			fmt.Println(u.heap, u.stacks, u.mallocs, int64(u.cpu))
		}
		return
	}
	fmt.Fprintf(os.Stderr, "no server %q\n", name)
	os.Exit(1)
}

type child struct {
	addr string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startChild(s server, o serverOptions) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, "-serve", s.name, "-profile", profile, "-bits", strconv.Itoa(o.bits), fmt.Sprintf("-compressed=%v", o.compressed))}
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("server %s: %w", s.name, err)
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

// withChild measures a server that is there meanwhile.
func withChild(s server, o serverOptions, measure func(*child) (figure, error)) (figure, error) {
	if o.pinned {
		if err := pin(onlyFirst); err != nil {
			return figure{}, err
		}
		defer pin(everywhere)
	}
	c, err := startChild(s, o)
	if err != nil {
		return figure{}, err
	}
	defer c.stop()
	return measure(c)
}

func (c *child) stop() {
	c.in.Close()
	c.cmd.Wait()
}

// usage is what the server has and has used.
type usage struct {
	heap, stacks uint64 // bytes
	mallocs      uint64 // since it began
	cpu          time.Duration
}

// ownUsage is this process's.
func ownUsage() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // there is no other way to call it
	}
	return usage{m.HeapAlloc, m.StackInuse, m.Mallocs, time.Duration(used.Utime.Nano() + used.Stime.Nano())}
}

// usage asks the server. settled: after garbage collection.
func (c *child) usage(settled bool) (u usage, err error) {
	ask := "now\n"
	if settled {
		time.Sleep(50 * time.Millisecond) // what is on its way out gets there
		ask = "settled\n"
	}
	if _, err = io.WriteString(c.in, ask); err == nil {
		_, err = fmt.Fscan(c.out, &u.heap, &u.stacks, &u.mallocs, &u.cpu)
	}
	return u, err
}
