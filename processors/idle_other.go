//go:build !linux

package processors

import "time"

// idleTime is not known: where goroutines wait another processor is tried.
func idleTime() (time.Duration, bool) { return 0, false }
