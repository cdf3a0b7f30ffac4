//go:build linux

package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/vishvananda/netns"

	"strata/tun/netconf"
)

const namePrefix = "strata-lab-"

var made atomic.Int32

// newNamespace makes a network namespace whose loopback is up.
func newNamespace() (name string, err error) {
	name = fmt.Sprintf("%s%d-%d", namePrefix, os.Getpid(), made.Add(1))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours, err := netns.Get()
	if err != nil {
		return "", err
	}
	defer ours.Close()
	theirs, err := netns.NewNamed(name) // enters it
	if err != nil {
		return "", fmt.Errorf("make network namespace %s: %w", name, err)
	}
	theirs.Close()
	if err := netns.Set(ours); err != nil {
		panic(err) // the thread is of no use to anybody any more
	}
	return name, netconf.LoopbackUp(name)
}

// removeOrphans removes the namespaces of processes that are gone.
func removeOrphans() {
	paths, _ := filepath.Glob("/run/netns/" + namePrefix + "*-*")
	for _, path := range paths {
		pid, err := strconv.Atoi(strings.Split(strings.TrimPrefix(filepath.Base(path), namePrefix), "-")[0])
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = netns.DeleteNamed(filepath.Base(path))
		}
	}
}
