package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

var onlyFirst, everywhere unix.CPUSet

func init() {
	onlyFirst.Set(0)
	for i := range 1024 {
		everywhere.Set(i)
	}
}

// pin has all threads of this process, and the processes that it starts from now
// on, run on these processors.
func pin(on unix.CPUSet) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &on); err != nil && err != unix.ESRCH {
			return os.NewSyscallError("sched_setaffinity", err)
		}
	}
	return nil
}
