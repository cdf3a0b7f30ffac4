//go:build linux

package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"strata/lab/workload"
)

// congestionOf is the congestion control of every socket of a run.
func congestionOf(p *workload.Params) string {
	return cmp.Or(p.CongestionControl, DefaultCongestionControl)
}

// setCongestionControl tells one socket. A namespace's sysctl would not do: only
// the first namespace may set there what tcp_allowed_congestion_control leaves out,
// while a socket of who has CAP_NET_ADMIN may use all that there are.
func setCongestionControl(fd int, name string) error {
	err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("congestion control %s: this kernel does not have it (as root: modprobe tcp_%s)", name, name)
	case errors.Is(err, unix.EPERM):
		allowed, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
		words := append(strings.Fields(string(allowed)), name)
		return fmt.Errorf("congestion control %s is not allowed here (as root: sysctl -w net.ipv4.tcp_allowed_congestion_control=%q)", name, strings.Join(words, " "))
	case err != nil:
		return fmt.Errorf("congestion control %s: %w", name, err)
	}
	return nil
}

// control is for net.Dialer and net.ListenConfig. Accepted connections have what
// their listener has.
func (h *host) control(_, _ string, raw syscall.RawConn) (err error) {
	cerr := raw.Control(func(fd uintptr) { err = setCongestionControl(int(fd), h.congestion) })
	return errors.Join(cerr, err)
}

// tryCongestionControl sets it on a socket that is of no other use.
func tryCongestionControl(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return setCongestionControl(fd, name)
}
