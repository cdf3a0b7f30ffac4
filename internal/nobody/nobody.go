//go:build linux

// Package nobody has tests do without privileges what the process has them for.
package nobody

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// id is the user nobody of most systems.
const id = 65534

// Call calls f on a thread of user nobody, which ends with it; where the process is
// not root, on a thread as it is.
func Call(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		if os.Geteuid() == 0 {
			if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, id, id, id); e != 0 {
				done <- fmt.Errorf("setresuid: %w", e)
				return
			}
		}
		done <- f()
	}()
	return <-done
}
