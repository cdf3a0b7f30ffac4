package netnstests

import (
	"os/exec"
	"path/filepath"
	"strings"
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

// Outputs that take nothing hold up neither the network nor the end: standard
// output of --json, and the FIFO of a capture.
func TestStuckOutput(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	ns := newNamespace(t)
	stdout, capture := fullFIFO(t), fullFIFO(t)
	p := start(t, exec.Command("sh", "-c", `exec "$0" serve --json --netns "$1" --pcap "$2" >"$3"`, strata, ns.name, capture, stdout))
	require.Eventually(t, func() bool { // it cannot say that it is ready
		get := start(t, ns.command("curl", "-s", "--max-time", "60", "http://10.77.0.2/"))
		get.fine = true
		return get.exit(t) == 0
	}, patience, 10*time.Millisecond)
	p.signal(t, syscall.SIGTERM)
	require.Equal(t, 1, p.exit(t), "the capture is not complete")
	require.Contains(t, p.stderr.String(), capture)
	require.Equal(t, 1, strings.Count(p.stderr.String(), "\n"), "one line:\n%s", p.stderr.String())
	ns.requireBare(t)
}

// fullFIFO is a FIFO that takes nothing more, for as long as the test runs.
func fullFIFO(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	for err == nil {
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.EAGAIN)
	return path
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
