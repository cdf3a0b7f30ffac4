//go:build linux

// Package nstest makes network namespaces for tests and benchmarks: named ones
// under /run/netns, with the process's id in the name, so that runs side by
// side do not meet.
//
//	func TestSomething(t *testing.T) {
//		ns := nstest.New(t) // gone when the test ends
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
	name := Prefix(prefix) + fmt.Sprint(made.Add(1))
	result := make(chan error, 1)
	go func() { result <- makeNamed(name) }()
	if err := <-result; err != nil {
		return "", fmt.Errorf("make the network namespace %s: %w", name, err)
	}
	return name, nil
}

// Prefix is what the names of all namespaces begin with that this process made
// with that prefix.
func Prefix(prefix string) string { return fmt.Sprintf("%s-%d-", prefix, os.Getpid()) }

// makeNamed leaves the thread locked, so that it ends with the goroutine, where
// it could not be brought back from the new namespace.
func makeNamed(name string) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	ns, err := netns.NewNamed(name)
	if err == nil {
		ns.Close()
	}
	if netns.Set(home) == nil {
		runtime.UnlockOSThread()
	}
	return err
}

// Remove removes a namespace that [Make] made. It lives on while something in
// it is open.
func Remove(name string) error { return netns.DeleteNamed(name) }
