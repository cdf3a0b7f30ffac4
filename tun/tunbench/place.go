//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// places are the processors that a job keeps the client and the server on, -1
// where it does not. Round trips of one connection are mostly waking up, and to
// wake a thread on another processor takes, on a virtual machine above all, several
// times as long as all the rest: where the scheduler happens to put the two of them
// is most of what is measured, unless it is said.
func places(job string) (client, server int, err error) {
	if job != together && job != apart {
		return -1, -1, nil
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, fmt.Errorf("which processors there are: %w", err)
	}
	var have []int
	for i := 0; len(have) < set.Count(); i++ {
		if set.IsSet(i) {
			have = append(have, i)
		}
	}
	if job == together {
		return have[0], have[0], nil
	}
	return have[0], have[len(have)-1], nil
}

// pin keeps all threads of this process on one processor, until undo is called.
func pin(processor int) (undo func()) {
	var had, only unix.CPUSet
	_ = unix.SchedGetaffinity(0, &had) // places has asked for it before
	only.Set(processor)
	allThreads(&only)
	return func() { allThreads(&had) }
}

// allThreads tells all threads there are; those that they start have the same.
func allThreads(set *unix.CPUSet) {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetaffinity(id, set) // it may have ended
		}
	}
}
