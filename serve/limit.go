package serve

import (
	"strata/stack"
	"strata/tcp"
)

// maxConnections is how many connections may be established at once; beyond it
// new ones are refused. It is far more than one machine's browsers open, and
// bounds what clients can take that connect and say nothing.
const maxConnections = 4096

// upTo admits connections while fewer than most are established on h. Handshakes
// that are under way are not counted: there are as many at most as the backlog
// has room for.
func upTo(most uint64, h *stack.Host) func(tcp.SYN) tcp.Verdict {
	established := h.Stack().Stats().TCP.CurrentEstablished
	return func(tcp.SYN) tcp.Verdict {
		if established.Value() >= most {
			return tcp.Reset
		}
		return tcp.Accept
	}
}
