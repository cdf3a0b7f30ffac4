package netnstests

import (
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// What strata serve tells people, when nothing else is asked for: where to go,
// a line a connection and disconnection, and the first conversation as a ladder.
func TestStory(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	ns := newNamespace(t)
	p := start(t, exec.Command(strata, "serve", "--netns", ns.name))
	p.await(t, "where to go", regexp.MustCompile(`http://10\.77\.0\.2/ .*http://\[fd77::2\]/`).MatchString)
	s := &server{process: p, ns: ns}
	startChat(t, s, "http://10.77.0.2/", "websocket")
	p.signal(t, syscall.SIGTERM)
	require.Equal(t, 0, p.exit(t), p.stderr.tail())
	story := p.stdout.String()
	requireLadder(t, story)
	// chat.mjs is two clients with a WebSocket each.
	require.Len(t, regexp.MustCompile(`(?m)^\+ 10\.77\.0\.1:\d+ connected`).FindAllString(story, -1), 2, story)
	require.Len(t, regexp.MustCompile(`(?m)^- 10\.77\.0\.1:\d+ closed`).FindAllString(story, -1), 2, story)
	require.Equal(t, 1, strings.Count(story, "SYN seq="), "one ladder")
	require.Empty(t, p.stderr.String())
	ns.requireBare(t)
}

// With a command, standard output is the command's; what is told goes to
// standard error: with --quiet nothing, with --verbose every connection's ladder.
func TestCommand(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	fetch := []string{"--", "sh", "-c", "curl -sS http://10.77.0.2/ && curl -sS http://[fd77::2]/"}
	for _, tt := range []struct {
		flag    string
		ladders int
	}{
		{"--quiet", 0},
		{"--verbose", 2},
	} {
		t.Run(tt.flag, func(t *testing.T) {
			ns := newNamespace(t)
			p := start(t, exec.Command(strata, append([]string{"serve", "--netns", ns.name, tt.flag}, fetch...)...))
			require.Equal(t, 0, p.exit(t), p.stderr.tail())
			require.Equal(t, 2, strings.Count(p.stdout.String(), `id="messages"`), "the page, twice")
			require.True(t, strings.HasPrefix(strings.ToLower(p.stdout.String()), "<!doctype html>"), "nothing before it")
			require.Equal(t, tt.ladders, strings.Count(p.stderr.String(), "SYN seq="), p.stderr.String())
			if tt.ladders == 0 {
				require.Empty(t, p.stderr.String())
			}
			ns.requireBare(t)
		})
	}
}

// Without --netns the device is made where the command runs.
func TestHere(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	ns := newNamespace(t)
	page := output(t, ns.command(strata, "serve", "--quiet", "--", "curl", "-sS", "http://10.77.0.2/"))
	require.Contains(t, page, `id="messages"`)
	ns.requireBare(t)
}

// Who takes the device away is told so by a server that ends.
func TestDeviceRemoved(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	s := serve(t, newNamespace(t))
	ipCommand(t, "-n", s.ns.name, "link", "delete", "strata0")
	require.Equal(t, 1, s.exit(t))
	require.Equal(t, 1, strings.Count(s.stderr.String(), "\n"), "one line:\n%s", s.stderr.String())
	require.Contains(t, s.stderr.String(), "strata0")
	s.ns.requireBare(t)
}

// Every command explains itself, with examples, and the shell completes it.
func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "serve --help", "demo --help", "link --help", "version --help"} {
		require.Contains(t, output(t, exec.Command(strata, strings.Fields(args)...)), "Examples:", args)
	}
	require.Contains(t, output(t, exec.Command(strata, "version")), "strata")
	require.Contains(t, output(t, exec.Command(strata, "__complete", "serve", "--ne")), "--netns")
}
