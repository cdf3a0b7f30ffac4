package drain

import (
	"testing"

	"github.com/stretchr/testify/require"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// Nobody is waited for who has acknowledged all, or has gone, or has not come:
// a handshake that is never finished does not delay the end. The names are the
// stack's own.
func TestUnfinishedStates(t *testing.T) {
	var waited []string
	for s := gtcp.StateEstablished; s <= gtcp.StateError; s++ {
		if unfinished[s.String()] {
			waited = append(waited, s.String())
		}
	}
	require.ElementsMatch(t, []string{"ESTABLISHED", "FIN-WAIT1", "CLOSE-WAIT", "CLOSING", "LAST-ACK"}, waited)
	require.Len(t, unfinished, len(waited), "no name that the stack does not have")
}
