package netnstests

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Ctrl-C and kill close every conversation and take the device away.
func TestSignal(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	for name, signal := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newNamespace(t))
			echo := startEcho(t, s, s.url(), []int{1})
			chat := startChat(t, s, s.url(), "polling,websocket")
			s.signal(t, signal)
			s.requireLeft(t)
			requireGoingAway(t, echo)
			report[gone](t, chat, "gone")
			// TCP got its FIN, not silence or a reset: each of our connections said so.
			fins := 0
			for _, e := range s.events(t) {
				if e.Segment != nil && e.Dir == "out" && e.Segment.Flags == "FIN-ACK" {
					fins++
				}
			}
			require.Positive(t, fins, "segments with FIN, from us")
		})
	}
}

// A client that never answers the close frame holds a server up; a second
// Ctrl-C does not wait for it.
func TestSecondInterrupt(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	s := serve(t, newNamespace(t))
	stubborn := s.ns.node(t, "stubborn.mjs", "10.77.0.2", "80")
	report[struct{}](t, stubborn, "open")
	s.signal(t, syscall.SIGINT)
	require.Equal(t, 1001, report[struct{ Code int }](t, stubborn, "asked").Code)
	s.signal(t, syscall.SIGINT)
	require.NotZero(t, s.exit(t), "it did not end in order, and says so")
	require.NotContains(t, s.stdout.String(), `"closed"`)
	s.ns.requireBare(t)
}

// kill -9 leaves nothing: the device goes with its last file descriptor.
func TestKill(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	for _, args := range [][]string{nil, {"--tap"}} {
		s := serve(t, newNamespace(t), args...)
		s.signal(t, syscall.SIGKILL)
		require.Equal(t, 128+int(syscall.SIGKILL), s.exit(t))
		// The kernel says nothing when it is done; it is asked until it is.
		require.Eventually(t, func() bool { return len(s.ns.devices(t)) == 1 }, patience, 10*time.Millisecond)
		s.ns.requireBare(t)
	}
}
