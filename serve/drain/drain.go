package drain

import (
	"time"

	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

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
		if unfinished[i.State] {
			return true
		}
	}
	return false
}

// unfinished are the states in which there may be something that the peer has
// not acknowledged, or that is not even said: our FIN at the latest. In others
// it is acknowledged (FIN-WAIT2, TIME-WAIT), or there is no connection (any
// more, yet).
var unfinished = map[string]bool{
	gtcp.StateEstablished.String(): true,
	gtcp.StateCloseWait.String():   true,
	gtcp.StateFinWait1.String():    true,
	gtcp.StateClosing.String():     true,
	gtcp.StateLastAck.String():     true,
}
