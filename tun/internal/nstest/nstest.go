//go:build linux

// Package nstest makes network namespaces for tests and benchmarks: named ones
// under /run/netns, with the process's id in the name, so that runs side by
// side do not meet.
//
//	name, err := nstest.Make("bench")
//	defer nstest.Remove(name)
package nstest

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/vishvananda/netns"
)

var made atomic.Uint32

// Make makes a network namespace and returns its name under /run/netns. It
// takes root.
func Make(prefix string) (string, error) {
	name := fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), made.Add(1))
	result := make(chan error, 1)
	// NewNamed leaves its thread in the new namespace; the thread ends with this
	// goroutine, which never unlocks it.
	go func() {
		runtime.LockOSThread()
		home, err := netns.Get()
		if err != nil {
			result <- err
			return
		}
		defer home.Close()
		ns, err := netns.NewNamed(name)
		if err == nil {
			ns.Close()
			err = netns.Set(home)
		}
		result <- err
	}()
	if err := <-result; err != nil {
		return "", fmt.Errorf("make the network namespace %s: %w", name, err)
	}
	return name, nil
}

// Remove removes a namespace that [Make] made. It lives on while something in
// it is open.
func Remove(name string) error { return netns.DeleteNamed(name) }
