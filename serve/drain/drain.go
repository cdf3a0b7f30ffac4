package drain

import (
	"time"

	"strata/stack"
	"strata/tcp"
)

// Wait returns when no connection of h waits for a peer any more, or after so
// much time at most.
func Wait(h *stack.Host, most time.Duration) {
	deadline := time.After(most)
	for open(h) {
		select {
		case <-deadline:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func open(h *stack.Host) bool {
	for _, i := range tcp.Netstat(h) {
		switch i.State {
		case "LISTEN", "TIME-WAIT", "FIN-WAIT2", "CLOSE", "ERROR":
		default:
			return true
		}
	}
	return false
}
