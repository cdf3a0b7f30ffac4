//go:build !unix

package sweep

import "time"

func cpuTime() (time.Duration, bool) { return 0, false }
