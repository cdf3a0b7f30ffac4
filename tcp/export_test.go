package tcp

import "strata/stack"

// HostOf is the host that a listener listens on.
func HostOf(l *Listener) *stack.Host { return l.host }
