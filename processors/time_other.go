//go:build !unix

package processors

import "time"

// Time is not known.
func Time() (time.Duration, bool) { return 0, false }
