package netnstests

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// inspected is what GET /api/state and a POST to a wire answer, of that what the
// tests look at.
type inspected struct {
	Hosts []struct{ SegmentsReceived uint64 }
	Wires []struct {
		SynAcksToDrop int
		Directions    []struct {
			State    string
			Shape    struct{ Text string }
			Counters link.Counters
		}
	}
}

func inspectState(t testing.TB, page string) (s inspected) {
	t.Helper()
	resp, err := http.Get(page + "api/state")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &s), string(b))
	return s
}

// The live page, outside of the device's namespace, in headless Chromium: it shows
// connections, messages and the ladder; its buttons and sliders do to the wire
// what they say.
func TestInspect(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl", "chromium"), npm)
	s := serve(t, newNamespace(t), "--inspect", "127.0.0.1:0")
	page := s.ready.Inspect
	require.NotEmpty(t, page)

	path, err := filepath.Abs("node/inspect.mjs")
	require.NoError(t, err)
	folder := shots(t, "inspect")
	browser := start(t, exec.Command("node", path, page, folder))
	report[struct{}](t, browser, "opened")
	startChat(t, s, s.url(), "polling,websocket")

	saw := report[struct {
		Connections           int
		Messages, Ladder      []string
		Wide                  bool
		Blackhole, Down, Up   string
		Slider, TimelineTitle string
		Asked, Complaints     []string
	}](t, browser, "steered")
	require.GreaterOrEqual(t, saw.Connections, 2, "one for each client of the chat at least")
	require.Contains(t, strings.Join(saw.Messages, "\n"), "hello from ann")
	require.NotEmpty(t, saw.Ladder)
	require.False(t, saw.Wide, "a phone needs no scrolling sideways")
	require.Contains(t, saw.Blackhole, "blackhole")
	require.Contains(t, saw.Down, "down")
	require.Equal(t, "up", saw.Up)
	require.Equal(t, "40ms", saw.Slider)
	require.NotEmpty(t, saw.TimelineTitle)
	require.Empty(t, saw.Complaints, "in the console")
	require.Equal(t, []string{strings.TrimSuffix(page, "/")}, saw.Asked, "nobody else was asked for anything")

	// The wire is as the page has left it: the way out has a delay, and loses the
	// next SYN-ACK, for which TCP waits a second.
	require.Equal(t, "delay 40ms", inspectState(t, page).Wires[0].Directions[0].Shape.Text)
	seconds, err := strconv.ParseFloat(s.curl(t, "--output", "/dev/null", "--write-out", "%{time_connect}", s.url()), 64)
	require.NoError(t, err)
	require.Greater(t, seconds, 1.04, "a timeout for the SYN-ACK that was lost, and the delay")
	after := inspectState(t, page).Wires[0]
	require.Zero(t, after.SynAcksToDrop)
	require.EqualValues(t, 1, after.Directions[0].Counters.DroppedRule)

	require.Contains(t, report[struct{ Said string }](t, browser, "refused").Said, "banana")
	require.Equal(t, 0, browser.exit(t), browser.stderr.tail())
	s.stop(t)
	_, err = http.Get(page)
	require.Error(t, err, "the page has gone with the server")
}

// Without privilege the device is in a namespace of its own, and the page is not:
// it is where its user is.
func TestRootlessInspect(t *testing.T) {
	need(t, tunDevice, userNamespaces, program("curl"))
	p := start(t, asOrdinaryUser(strata, "serve", "--json", "--inspect", "127.0.0.1:0"))
	page := report[ready](t, p, "ready").Inspect
	require.Empty(t, inspectState(t, page).Wires[0].Directions[0].Shape.Text)
	resp, err := http.Post(page+"api/wires/serve/shape?direction=ba", "", strings.NewReader("delay 20ms"))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "delay 20ms", inspectState(t, page).Wires[0].Directions[1].Shape.Text)
	p.signal(t, syscall.SIGTERM)
	require.Equal(t, 0, p.exit(t), p.stderr.tail())
	_, err = http.Get(page)
	require.Error(t, err, "neither the process inside nor that outside holds the socket any more")
}
