package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"strata/processors"
	"strata/stack"
	"strata/tcp"
	"strata/tun"
	"strata/tun/netconf"
)

// idleness is what a process with nothing going on takes.
type idleness struct {
	CPU      float64 `json:"cpu"`      // of one processor, in percent
	Resident float64 `json:"resident"` // MB
}

// beIdle is the child process, in a network namespace of its own: a host behind
// a device, which listens and hears nothing.
func beIdle(d time.Duration) error {
	h, ln, err := behindDevice()
	if err != nil {
		return err
	}
	defer h.Close()
	defer ln.Close()
	defer processors.Spare()()
	time.Sleep(time.Second) // what the start needed is over
	before, at := processorTime(), time.Now()
	time.Sleep(d)
	i := idleness{CPU: 100 * float64(processorTime()-before) / float64(time.Since(at))}
	if i.Resident, err = resident("VmRSS"); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(i)
}

func processorTime() time.Duration {
	t, _ := processors.Time() // Linux says
	return t
}

// behindDevice makes a host behind a device that is up, with a listener on port
// 80; the kernel's side, in the network namespace where the process is, is
// 10.77.0.1.
func behindDevice() (*stack.Host, *tcp.Listener, error) {
	dev, err := tun.Open(tun.Config{})
	if err != nil {
		return nil, nil, err
	}
	h := stack.New(stack.Config{Name: "server"})
	ln, err := func() (*tcp.Listener, error) {
		if _, err := h.Attach(dev, netip.MustParsePrefix("10.77.0.2/24")); err != nil {
			dev.Close()
			return nil, err
		}
		c := netconf.Config{Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")}, Up: true}
		if err := netconf.Configure("", dev.Name(), c); err != nil {
			return nil, err
		}
		return tcp.Listen(h, "tcp", ":80")
	}()
	if err != nil {
		h.Close()
		return nil, nil, err
	}
	return h, ln, nil
}

// resident is this process's memory, in MB, as the kernel counts it: VmRSS is
// what there is, VmHWM the most there was.
func resident(which string) (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, which+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no %s", which)
}

func processPart(quick bool) ([]Section, error) {
	d := 10 * time.Second
	if quick {
		d = 3 * time.Second
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-idle", d.String())
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("as root: %w", err)
	}
	var i idleness
	if err := json.Unmarshal(out, &i); err != nil {
		return nil, err
	}
	return []Section{{
		Title: "A process with nothing going on",
		Note:  "A host behind a TUN device that is up, with a listener; nobody connects.",
		Rows: []Row{
			{What: "processor time, of one processor", Ours: i.CPU, Unit: "%", Wanted: 1},
			{What: "resident memory", Ours: i.Resident, Unit: "MB", Wanted: 30},
		},
	}}, nil
}
