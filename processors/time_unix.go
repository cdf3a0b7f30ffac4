//go:build unix

package processors

import (
	"syscall"
	"time"
)

// Time is the processor time that the program has taken, its own and the kernel's on
// its behalf; false where the system does not say.
func Time() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
