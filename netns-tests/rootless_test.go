package netnstests

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asOrdinaryUser runs a command without privilege: as nobody where the test is
// root, as it is otherwise.
func asOrdinaryUser(args ...string) *exec.Cmd {
	if os.Geteuid() == 0 {
		return asNobody(0o666, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// Without privilege, "serve -- CMD" runs CMD in a namespace of its own, where
// the server is, and ends as CMD does.
func TestRootlessCommand(t *testing.T) {
	need(t, tunDevice, userNamespaces, program("curl"))
	for _, tt := range []struct {
		name    string
		command []string
		status  int
		output  string // standard output contains it
	}{
		{"IPv4", []string{"curl", "-s", "http://10.77.0.2/"}, 0, "messages"},
		{"IPv6", []string{"curl", "-s", "http://[fd77::2]/"}, 0, "messages"},
		{"its status", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"an argument that looks like a flag", []string{"echo", "--netns", "--", "x y"}, 0, "--netns -- x y"},
		{"a command that is not there", []string{"no-such-command"}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, asOrdinaryUser(append([]string{strata, "serve", "--"}, tt.command...)...))
			require.Equal(t, tt.status, p.exit(t), p.stderr.tail())
			require.Contains(t, p.stdout.String(), tt.output)
			require.NotContains(t, p.stderr.String(), "DATA RACE")
		})
	}
}

// Without privilege and without a command it says how to join its namespace;
// who does as it says reaches the server. Ctrl-C ends it in order.
func TestRootlessJoin(t *testing.T) {
	need(t, tunDevice, userNamespaces, program("curl", "nsenter"))
	p, join := serveRootless(t)
	page := output(t, asOrdinaryUser(append(join, "curl", "-s", "http://10.77.0.2/")...))
	require.Contains(t, page, "messages")
	p.signal(t, syscall.SIGINT)
	require.Equal(t, 0, p.exit(t), p.stderr.tail())
}

// kill -9 leaves nothing of it either: what runs inside the namespace goes with
// the process that was started.
func TestRootlessKill(t *testing.T) {
	need(t, tunDevice, userNamespaces, program("nsenter"))
	p, join := serveRootless(t)
	inside := regexp.MustCompile(`\d+`).FindString(strings.Join(join, " "))
	p.signal(t, syscall.SIGKILL)
	require.Equal(t, 128+int(syscall.SIGKILL), p.exit(t))
	// It is nobody's child that we could wait for.
	require.Eventually(t, func() bool {
		_, err := os.Stat("/proc/" + inside)
		return os.IsNotExist(err)
	}, patience, 10*time.Millisecond)
}

// serveRootless starts a server without privilege, and gives the command by
// which it says that its namespace is joined.
func serveRootless(t *testing.T) (p *process, join []string) {
	t.Helper()
	p = start(t, asOrdinaryUser(strata, "serve"))
	how := regexp.MustCompile(`nsenter(?:\s+-{1,2}[A-Za-z-]+(?:[= ]\d+)?)+`)
	line := p.await(t, "way to join", how.MatchString)
	return p, strings.Fields(how.FindString(line))
}
