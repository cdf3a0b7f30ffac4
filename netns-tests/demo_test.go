package netnstests

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// "strata demo" tells one conversation from the wire to the event, and needs
// nothing for it: not even a tun device.
func TestDemo(t *testing.T) {
	users := map[string]*exec.Cmd{"as it is": exec.Command(strata, "demo")}
	if os.Geteuid() == 0 {
		users["as an ordinary user"] = asNobody(0, strata, "demo")
	}
	for name, cmd := range users {
		t.Run(name, func(t *testing.T) {
			ladder := output(t, cmd)
			requireLadder(t, ladder)
			for _, layer := range []string{
				"L1 physical", "L2 data link", "L3 network", "L4 transport", "L5 session", "L6 presentation", "L7 application",
			} {
				require.Contains(t, ladder, layer)
			}
		})
	}
}

// The steps of a conversation, each with its layer, in the order in which they
// are first told.
var steps = []*regexp.Regexp{
	regexp.MustCompile(`\bL4 .* SYN seq=\d+ win=\d+`),
	regexp.MustCompile(`mss=\d+ .*sackOK`),
	regexp.MustCompile(`\bL4 .* SYN-ACK seq=\d+ ack=\d+`),
	regexp.MustCompile(`mss=\d+ .*sackOK`),
	regexp.MustCompile(`\bL4 .* ACK seq=\d+ ack=\d+`),
	regexp.MustCompile(`\bL5 .* HTTP GET /socket\.io/`),
	regexp.MustCompile(`Upgrade: websocket`),
	regexp.MustCompile(`\bL5 .* HTTP 101 Switching Protocols`),
	regexp.MustCompile(`\bL6 .* WebSocket text`),
	regexp.MustCompile(`\bL7 .* Socket\.IO EVENT`),
}

// requireLadder checks that every step is there, in order.
func requireLadder(t testing.TB, ladder string) {
	t.Helper()
	rest := ladder
	for _, step := range steps {
		at := step.FindStringIndex(rest)
		require.NotNil(t, at, "%v is not there, or too early, in\n%s", step, ladder)
		rest = rest[at[1]:]
	}
}
