package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"strata/internal/fleet"
	"strata/processors"
	"strata/ws"
)

const clientsURL = "ws://10.77.0.2/"

// served is what a fleet of clients took of their server, and of themselves.
type served struct {
	Clients  int          `json:"clients"`
	Fleet    fleetOutcome `json:"fleet"`
	Before   float64      `json:"before"`   // resident memory without clients, MB
	Idle     float64      `json:"idle"`     // when all were connected
	Most     float64      `json:"most"`     // the most there was
	Heap     float64      `json:"heap"`     // of each client, when all were connected, KB
	CPU      float64      `json:"cpu"`      // of one processor, while they sent, percent
	Routines int          `json:"routines"` // goroutines, when all were connected
	Again    uint64       `json:"again"`    // segments sent a second time
}

// fleetOutcome is what the clients' process prints.
type fleetOutcome struct {
	fleet.Result
	CPU   float64 `json:"cpu"`   // of one processor, while they sent, percent
	Again uint64  `json:"again"` // segments sent a second time
}

// serveClients is the server's process, in a network namespace of its own: a
// host behind a device, that echoes in event mode. The clients are a process of
// their own on the kernel's sockets.
func serveClients(clients, rounds int) error {
	h, ln, err := behindDevice()
	if err != nil {
		return err
	}
	defer h.Close()
	defer ln.Close()
	defer processors.Spare()()
	go serveEcho(ln)
	s := served{Clients: clients}
	before := inUse()
	if s.Before, err = resident("VmRSS"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-clients", strconv.Itoa(clients), "-rounds", strconv.Itoa(rounds))
	cmd.Stderr = os.Stderr
	opened, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	fromClients := json.NewDecoder(opened)
	var connected struct{}
	if err = fromClients.Decode(&connected); err == nil {
		after := inUse()
		s.Heap = (after.total() - before.total()) / float64(clients) / 1000
		s.Routines = runtime.NumGoroutine()
		s.Idle, err = resident("VmRSS")
	}
	began, used := time.Now(), processorTime()
	if err == nil {
		err = fromClients.Decode(&s.Fleet)
	}
	s.CPU = 100 * float64(processorTime()-used) / float64(time.Since(began))
	if ended := cmd.Wait(); ended != nil || err != nil {
		return fmt.Errorf("the clients: %v, %v", err, ended)
	}
	s.Again = h.Stack().Stats().TCP.Retransmits.Value()
	if s.Most, err = resident("VmHWM"); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

func serveEcho(ln net.Listener) {
	echo := &ws.Handler{OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) { c.Write(context.Background(), typ, p) }}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			if c, err := ws.Upgrade(conn, nil); err == nil {
				c.Handle(echo)
			}
		}()
	}
}

// beClients is the clients' process: it prints {} when all are connected, and
// the outcome when all that they sent is back.
func beClients(clients, rounds int) error {
	if err := moreDescriptors(clients); err != nil {
		return err
	}
	var began time.Time
	var used time.Duration
	out := json.NewEncoder(os.Stdout)
	r, err := fleet.Run(context.Background(), fleet.Config{
		URL: clientsURL, Clients: clients, Every: time.Second, Rounds: rounds,
		Opened: func() {
			out.Encode(struct{}{})
			began, used = time.Now(), processorTime()
		},
	})
	if err != nil {
		return err
	}
	cpu := 100 * float64(processorTime()-used) / float64(time.Since(began))
	again, err := sentAgain()
	if err != nil {
		return err
	}
	return out.Encode(fleetOutcome{r, cpu, again})
}

// sentAgain is how many segments of TCP the kernel has sent a second time in this
// network namespace (RetransSegs, RFC 4022).
func sentAgain() (uint64, error) {
	b, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		values, ok := strings.CutPrefix(line, "Tcp: ")
		if !ok {
			continue
		}
		if names == nil { // the first of the two lines
			names = strings.Fields(values)
		} else if i := slices.Index(names, "RetransSegs"); i >= 0 {
			return strconv.ParseUint(strings.Fields(values)[i], 10, 64)
		}
	}
	return 0, errors.New("/proc/self/net/snmp has no RetransSegs")
}

// moreDescriptors has the process open a socket for each client and what else it
// needs. Go asks for what it may have by itself; beyond that it takes root.
func moreDescriptors(clients int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	needed := uint64(clients + 100)
	if l.Cur >= needed {
		return nil
	}
	l.Cur, l.Max = needed, max(l.Max, needed)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("%d clients take as many descriptors: %w (ulimit -n says how many there may be)", clients, err)
	}
	return nil
}

func clientsPart(quick bool) ([]Section, error) {
	clients, rounds := 10_000, 60
	if quick {
		clients, rounds = 1000, 5
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-serve", "-clients", strconv.Itoa(clients), "-rounds", strconv.Itoa(rounds))
	var why strings.Builder
	cmd.Stderr = &why
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w, as root: %s", err, strings.TrimSpace(why.String()))
	}
	var s served
	if err := json.Unmarshal(out, &s); err != nil {
		return nil, err
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return []Section{{
		Title: "WebSocket clients over the TUN device",
		Note: fmt.Sprintf("%d clients on the kernel's sockets, in a process and a namespace of their own (one source address, a descriptor each), each of which has 24 bytes echoed once a second for %d s, "+
			"by a server in event mode behind the device. Of %d echoes none was lost.", clients, rounds, s.Fleet.Echoes),
		Rows: []Row{
			{What: "connections opened", Ours: float64(clients) / s.Fleet.Opening.Seconds(), Unit: "/s"},
			{What: "heap and stacks of the server, a connection, all floors", Ours: s.Heap, Unit: "KB"},
			{What: "goroutines of the server, all connected", Ours: float64(s.Routines), Unit: "in all"},
			{What: "resident memory of the server, without clients", Ours: s.Before, Unit: "MB"},
			{What: "resident memory of the server, all connected", Ours: s.Idle, Unit: "MB"},
			{What: "resident memory of the server, the most there was", Ours: s.Most, Unit: "MB"},
			{What: "processor time of the server, of one processor", Ours: s.CPU, Unit: "%"},
			{What: "processor time of the clients, of one processor", Ours: s.Fleet.CPU, Unit: "%"},
			{What: "segments the server sent again", Ours: float64(s.Again), Unit: "in all"},
			{What: "segments the clients' kernel sent again", Ours: float64(s.Fleet.Again), Unit: "in all"},
			{What: "an echo, median", Ours: ms(s.Fleet.Median), Unit: "ms"},
			{What: "an echo, 99th percentile", Ours: ms(s.Fleet.P99), Unit: "ms"},
			{What: "an echo, the latest", Ours: ms(s.Fleet.Latest), Unit: "ms"},
		},
	}}, nil
}
