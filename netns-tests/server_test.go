package netnstests

import (
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server is "strata serve --json" with its device in a namespace.
type server struct {
	*process
	ns    *namespace
	ready ready
}

// ready is the first line of strata serve --json.
type ready struct {
	HTTP        []string // where to go, IPv4 first
	Device      string
	MTU         int
	Fingerprint string // of the certificate, under --tls
	Note        string // why there is no IPv6
	Inspect     string // where the live page is, under --inspect
}

// serve starts a server and returns when it serves. The test's end stops it, if
// the test did not, and checks that nothing is left of it.
func serve(t testing.TB, ns *namespace, args ...string) *server {
	t.Helper()
	s := &server{ns: ns}
	s.process = start(t, exec.Command(strata, append([]string{"serve", "--json", "--netns", ns.name}, args...)...))
	t.Cleanup(func() {
		if !s.gone() && !t.Failed() {
			s.stop(t)
		}
	})
	s.ready = report[ready](t, s.process, "ready")
	require.NotEmpty(t, s.ready.HTTP)
	return s
}

// stop stops the server as "kill" does, and checks that it left in order.
func (s *server) stop(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	s.requireLeft(t)
}

// requireLeft waits for a server that was told to stop, and checks that it left
// in order: status 0, "closed" as its last word, no device, no data race.
func (s *server) requireLeft(t testing.TB) {
	t.Helper()
	require.Equal(t, 0, s.exit(t), "exit status; standard error: %s", s.stderr.tail())
	lines := s.stdout.lines()
	require.Equal(t, "closed", kindOf(lines[len(lines)-1]), "the last line")
	require.NotContains(t, s.stderr.String(), "DATA RACE")
	s.ns.requireBare(t)
}

// url is where it serves over IPv4.
func (s *server) url() string { return s.ready.HTTP[0] }

// url6 is where it serves over IPv6.
func (s *server) url6(t testing.TB) string {
	t.Helper()
	require.Len(t, s.ready.HTTP, 2, "IPv4 and IPv6")
	return s.ready.HTTP[1]
}

// echoURL is the WebSocket echo under a URL of the server.
func echoURL(url string) string { return "ws" + strings.TrimPrefix(url, "http") + "echo" }

// An event is a line of --json that tells of the wire: of what trace.Event
// writes, that which the tests compare.
type event struct {
	Time          time.Time
	Kind          string
	Layer         int
	Dir           string
	Local, Remote string
	Segment       *segment
}

// A segment is a TCP segment as --json tells it, and as tshark does.
type segment struct {
	Flags    string
	Seq, Ack uint32
	Len      int
	Options  struct {
		MSS    uint16
		WS     *uint8
		SACKOK bool
		TS     *struct{ Val, Ecr uint32 }
	}
}

// events are those told so far.
func (s *server) events(t testing.TB) []event {
	t.Helper()
	var out []event
	for _, line := range s.stdout.lines() {
		if kind := kindOf(line); kind == "ready" || kind == "closed" {
			continue
		}
		var e event
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		out = append(out, e)
	}
	return out
}

// handshake is the first one that was told: SYN, SYN-ACK and ACK, each the
// first of its kind in its flow.
func (s *server) handshake(t testing.TB) [3]event {
	t.Helper()
	var out [3]event
	found := 0
	for _, e := range s.events(t) {
		if found == len(out) || e.Segment == nil || found > 0 && e.Remote != out[0].Remote {
			continue
		}
		if e.Segment.Flags == [...]string{"SYN", "SYN-ACK", "ACK"}[found] {
			out[found] = e
			found++
		}
	}
	require.Equal(t, len(out), found, "of SYN, SYN-ACK and ACK")
	return out
}
