package tcp

import "strata/stack"

// HostOf is the host that a listener listens on.
func HostOf(l *Listener) *stack.Host { return l.host }

// Incomplete is how many handshakes a host waits for.
func Incomplete(h *stack.Host) int64 { return stateOf(h).handshakes.incomplete.Load() }

// MaxHandshakes is how many it waits for at most.
const MaxHandshakes = maxHandshakes
