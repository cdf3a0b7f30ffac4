package lab_test

import (
	"syscall"
	"time"
)

// wall is the wall's clock, also in a bubble.
func wall() time.Duration {
	var tv syscall.Timeval
	syscall.Gettimeofday(&tv)
	return time.Duration(tv.Nano())
}
