package cable

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a wire and its control socket, and removes both with the test.
func open(t *testing.T) (c *control, path string) {
	t.Helper()
	wire := link.NewWire(link.WireConfig{AB: link.MustParseShape("delay 20ms")})
	t.Cleanup(func() { wire.Close() })
	path = filepath.Join(t.TempDir(), "control")
	c, err := listen(path, wire)
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c, path
}

// client talks to a control socket.
type client struct {
	t *testing.T
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, path string) *client {
	t.Helper()
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) ask(line string) answer {
	c.t.Helper()
	_, err := io.WriteString(c, line+"\n")
	require.NoError(c.t, err)
	return c.hear()
}

func (c *client) hear() answer {
	c.t.Helper()
	line, err := c.lines.ReadString('\n')
	require.NoError(c.t, err)
	var a answer
	require.NoError(c.t, json.Unmarshal([]byte(line), &a), line)
	return a
}

// What is asked for is done when the answer comes, and the answer says so.
func TestControlChangesTheWire(t *testing.T) {
	ctl, path := open(t)
	c := dial(t, path)
	a := c.ask(`{"counters":true}`)
	require.True(t, a.OK)
	require.Equal(t, "delay 20ms", a.AB.Shape)
	require.Empty(t, a.BA.Shape)

	a = c.ask(`{"set":"ab","shape":"delay 80ms"}`)
	require.True(t, a.OK, a.Error)
	require.Equal(t, "delay 80ms", ctl.wire.AB().Shape().String())
	a = c.ask(`{"set":"both","shape":{"loss":"5%","delay":"1ms"}}`)
	require.True(t, a.OK, a.Error)
	require.Equal(t, "delay 1ms loss 5%", a.AB.Shape)
	require.Equal(t, "delay 1ms loss 5%", a.BA.Shape)

	// A packet on each way says what the direction is like.
	send := func(d string) direction {
		end := map[string]*link.End{"ab": ctl.wire.A(), "ba": ctl.wire.B()}[d]
		sendOne(t, end)
		a := c.ask(`{"counters":true}`)
		return map[string]direction{"ab": a.AB, "ba": a.BA}[d]
	}
	for _, request := range []string{`{"set":"both","shape":""}`, `{"down":"ab"}`, `{"blackhole":"ba"}`} {
		require.True(t, c.ask(request).OK, request)
	}
	require.EqualValues(t, 1, send("ab").Counters.DroppedDown)
	require.EqualValues(t, 1, send("ba").Counters.DroppedBlackhole)
	require.True(t, c.ask(`{"up":"both"}`).OK)
	require.EqualValues(t, 1, send("ab").Counters.DroppedDown, "no more than before")
	require.EqualValues(t, 1, send("ba").Counters.DroppedBlackhole)

	a = c.ask(`{"rule":"drop every packet","on":"ab"}`)
	require.True(t, a.OK, a.Error)
	require.Equal(t, 1, a.Rule)
	require.EqualValues(t, 1, send("ab").Counters.DroppedRule)
	require.Zero(t, send("ba").Counters.DroppedRule, "the rule is for the other direction")
	require.True(t, c.ask(`{"remove":1}`).OK)
	require.EqualValues(t, 1, send("ab").Counters.DroppedRule)
	require.Equal(t, 2, c.ask(`{"rule":"drop first syn"}`).Rule, "numbers are not given twice")
}

// Whatever is wrong is answered by one line that says what, and changes nothing.
func TestControlRefuses(t *testing.T) {
	ctl, path := open(t)
	c := dial(t, path)
	for request, want := range map[string]string{
		`banana`:                              "invalid character",
		`{`:                                   "too early",
		`{}`:                                  "asks for 0 things",
		`{"down":"ab","up":"ba"}`:             "asks for 2 things",
		`{"counters":true} {}`:                "more behind",
		`{"frobnicate":1}`:                    "frobnicate",
		`{"set":"ab"}`:                        "shape",
		`{"set":"ab","shape":null}`:           "shape",
		`{"counters":true,"shape":"loss 1%"}`: "shape",
		`{"set":"ab","shape":"delay banana"}`: "banana",
		`{"set":"ab","shape":{"lose":"1%"}}`:  "lose",
		`{"set":"sideways","shape":""}`:       "sideways",
		`{"down":"on"}`:                       `direction "on": it is ab, ba or both`,
		`{"rule":"drop first banana"}`:        "banana",
		`{"rule":"drop first syn","on":"x"}`:  `direction "x"`,
		`{"down":"ab","on":"ab"}`:             "on goes with rule",
		`{"remove":7}`:                        "there is no rule 7",
	} {
		a := c.ask(request)
		require.False(t, a.OK, request)
		require.Contains(t, a.Error, want, request)
		require.Equal(t, "delay 20ms", a.AB.Shape, request)
	}
	require.Equal(t, "delay 20ms", ctl.wire.AB().Shape().String())
	require.True(t, c.ask("\n{\"counters\":true}").OK, "and it goes on; an empty line is nothing")
}

// A client can take a bounded part of us: of lines, connections and rules.
func TestControlIsBounded(t *testing.T) {
	_, path := open(t)
	c := dial(t, path)
	for range maxRules {
		require.True(t, c.ask(`{"rule":"drop 1000th udp"}`).OK)
	}
	require.Contains(t, c.ask(`{"rule":"drop 1000th udp"}`).Error, "there are 64 already")
	require.True(t, c.ask(`{"remove":64}`).OK)
	require.Equal(t, 65, c.ask(`{"rule":"drop 1000th udp"}`).Rule)

	long := dial(t, path)
	go io.WriteString(long, strings.Repeat("x", maxLine+1))
	require.Contains(t, long.hear().Error, "longer than 65536 bytes")
	_, err := long.lines.ReadByte()
	require.Error(t, err, "and it hangs up")

	_, path = open(t)
	var served []*client
	for range maxClients {
		c := dial(t, path)
		require.True(t, c.ask(`{"counters":true}`).OK)
		served = append(served, c)
	}
	require.Contains(t, dial(t, path).hear().Error, "there are 16 clients already")
	require.NoError(t, served[0].Close())
	require.Eventually(t, func() bool { // who hangs up makes room
		c := dial(t, path)
		_, _ = io.WriteString(c, `{"counters":true}`+"\n") // refused, it may find the door closed
		line, err := c.lines.ReadString('\n')
		return err == nil && strings.Contains(line, `"ok":true`)
	}, time.Minute, time.Millisecond)
}

func TestControlSocketFile(t *testing.T) {
	wire := link.NewWire(link.WireConfig{})
	defer wire.Close()
	path := filepath.Join(t.TempDir(), "control")
	c, err := listen(path, wire)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "nobody else's")

	_, err = listen(path, wire)
	require.ErrorContains(t, err, "another process is listening there")
	c.close()
	require.NoFileExists(t, path)

	// What a killed process leaves: the file, and nobody behind it.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	stale.SetUnlinkOnClose(false)
	require.NoError(t, stale.Close())
	c, err = listen(path, wire)
	require.NoError(t, err)
	c.close()

	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err = listen(path, wire)
	require.ErrorContains(t, err, "no socket")
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(kept))

	_, err = listen(filepath.Join(path, "nowhere"), wire)
	require.ErrorContains(t, err, "--control")
}

// The end of the cable is the end of every conversation about it.
func TestControlHangsUp(t *testing.T) {
	ctl, path := open(t)
	c := dial(t, path)
	c.ask(`{"counters":true}`)
	ctl.close()
	_, err := c.lines.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		`{"set":"ab","shape":"delay 80ms"}`, `{"set":"both","shape":{"loss":"5%"}}`, `{"down":"ab"}`, `{"up":"both"}`,
		`{"rule":"drop first syn-ack","on":"ab"}`, `{"remove":1}`, `{"counters":true}`, `{"shape":null}`, `[]`, `{"remove":1e99}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRequest(line)
		if err == nil && (r.Set != "") != (r.Shape != nil) {
			t.Fatalf("%q: a shape without a direction, or the other way round", line)
		}
		if err != nil && len(err.Error()) > 4096+len(line) {
			t.Fatal(fmt.Sprint("an error of ", len(err.Error()), " bytes"))
		}
	})
}
