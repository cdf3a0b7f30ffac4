package scenario_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab/scenario"
	"strata/lab/workload"
)

// The example that lab init prints is one that runs, and does what it says.
func TestTheExampleRuns(t *testing.T) {
	s, err := scenario.Parse("example.yaml", scenario.Example)
	require.NoError(t, err)
	require.Equal(t, "server", s.Server)
	require.Equal(t, []string{"phone", "laptop"}, s.Clients)
	require.Equal(t, 3, s.Seeds)
	require.Len(t, s.Timeline, 2)
	var results []*workload.Result
	for seed := range s.Seeds {
		r, err := s.Run(t, workload.Options{Seed: uint64(seed + 1)})
		require.NoError(t, err)
		results = append(results, r)
	}
	verdicts, err := s.Judge("example.yaml", results)
	require.NoError(t, err)
	for _, v := range verdicts {
		require.True(t, v.OK, "%s is %s", v.Text, v.Is)
	}
}

const echoes = `
hosts: [server, phone]
wires:
  - phone <-> server: delay 10ms
timeline:
  - at 5s: %s
workload: {name: ws-echo, duration: 20s, message-rate: 20}
expect:
  - max(latency) < 1s
`

func run(t *testing.T, text string) (*scenario.Scenario, *workload.Result) {
	t.Helper()
	s, err := scenario.Parse("s.yaml", []byte(text))
	require.NoError(t, err)
	r, err := s.Run(t, workload.Options{})
	require.NoError(t, err)
	return s, r
}

// What the timeline says happens, both ways or one, and is undone: messages of the
// time wait for as long as it lasts, and those before and after do not.
func TestTimelineHappens(t *testing.T) {
	for _, c := range []struct {
		event string
		least float64 // of the slowest message, seconds
	}{
		{"blackhole phone→server for 2s", 1.9},
		{"blackhole server -> phone for 2s", 1.9},
		{"blackhole phone↔server for 2s", 1.9},
		{"down phone<->server for 2s", 1.9},
		{"partition phone for 2s", 1.9},
		{"shape phone→server delay 400ms for 2s", 0.4},
	} {
		s, r := run(t, strings.Replace(echoes, "%s", c.event, 1))
		slowest, err := r.Eval("max(latency)")
		require.NoError(t, err)
		require.GreaterOrEqual(t, slowest, c.least, c.event)
		// TCP's timeouts double: the one that is running when all is well again is
		// no longer than those before it together, and a first of 0.2 s and a probe;
		// that on the way there, and again on the way back.
		require.Less(t, slowest, 4*c.least+2, c.event)
		half, err := r.Eval("p50(latency)")
		require.NoError(t, err)
		require.Equal(t, 0.020, half, c.event)
		require.GreaterOrEqual(t, r.Slowest.Sent, 4500*time.Millisecond, c.event)
		verdicts, err := s.Judge("s.yaml", []*workload.Result{r})
		require.NoError(t, err)
		require.Equal(t, slowest < 1, verdicts[0].OK, c.event)
	}
}

// A direction's shape is that direction's alone, and of a preset the user's side is
// the left one.
func TestWires(t *testing.T) {
	s, err := scenario.Parse("s.yaml", []byte(`
hosts: server, phone, laptop
wires:
  - phone ↔ server: preset dsl
  - server → laptop: {delay: 30ms, rate: 1mbit}
  - laptop → server: delay 5ms
workload: {name: bulk}
expect: goodput > 100kbit
`))
	require.NoError(t, err)
	require.Equal(t, "delay 25ms rate 384kbit limit 32", s.Wires[0].AB.String(), "phone's are up")
	require.Equal(t, "delay 25ms rate 1500kbit limit 64", s.Wires[0].BA.String())
	require.Equal(t, "delay 30ms rate 1mbit", s.Wires[1].AB.String())
	require.Equal(t, "delay 5ms", s.Wires[1].BA.String())
}

// Every mistake is one line that says where it is.
func TestMistakesHaveTheirLine(t *testing.T) {
	good := []string{
		"hosts: [server, phone]",         // 1
		"wires:",                         // 2
		"  - phone ↔ server: delay 10ms", // 3
		"timeline:",                      // 4
		"  - at 5s: down phone↔server",   // 5
		"workload:",                      // 6
		"  name: ws-echo",                // 7
		"  duration: 10s",                // 8
		"expect:",                        // 9
		"  - p99(latency) < 1s",          // 10
	}
	_, err := scenario.Parse("s.yaml", []byte(strings.Join(good, "\n")))
	require.NoError(t, err)
	for _, c := range []struct {
		line int
		text string
		says string
	}{
		{1, "hosts: [server, Phone!]", `s.yaml:1: hosts: "Phone!" is no name`},
		{1, "hosts: [server, server]", "s.yaml:1: hosts: server is there twice"},
		{1, "hosts: [server]", `s.yaml:3: there is no host "phone"`},
		{3, "  - phone - server: delay 10ms", "s.yaml:3: \"phone - server\": two hosts are wanted with an arrow"},
		{3, "  - phone ↔ server: delay 10parsecs", "s.yaml:3: shape: "},
		{3, "  - phone ↔ phone: delay 10ms", "s.yaml:3: phone has no wire to itself"},
		{3, "  - phone ↔ server: {delay: 1ms, colour: red}", "s.yaml:3: shape: colour"},
		{5, "  - at 5: down phone↔server", "s.yaml:5: \"at 5\": a time is wanted"},
		{5, "  - at 5s: explode phone↔server", `s.yaml:5: "explode": blackhole, down`},
		{5, "  - at 5s: down phone↔server for ever", "s.yaml:5: \"down phone↔server for ever\": for how long?"},
		{5, "  - at 5s: partition moon", `s.yaml:5: there is no host "moon"`},
		{5, "  - at 5s: shape phone→server loss banana", "s.yaml:5: shape: "},
		{7, "  name: nap", `s.yaml:7: no workload is called "nap"`},
		{8, "  duration: long", `s.yaml:8: duration "long": a time`},
		{8, "  loss: 5%", "s.yaml:8: loss is not the workload's here"},
		{8, "  outage: 5s", "s.yaml:8: outage: ws-echo has no use for it"},
		{8, "  server: moon", `s.yaml:8: there is no host "moon"`},
		{9, "expects:", `s.yaml:9: unknown key "expects"`},
		{10, "  - p99(latency) is small", "s.yaml:10: \"p99(latency) is small\": a comparison"},
		{10, "  - p101(latency) < 1s", "s.yaml:10: \"p101\""},
		{10, "  - p99(latency) < soon", `s.yaml:10: " soon": a number`},
		{8, "  duration: [", "s.yaml:"},
		{2, "wires: 7", "s.yaml:2: a list is wanted"},
	} {
		bad := append([]string(nil), good...)
		bad[c.line-1] = c.text
		if c.text == "wires: 7" {
			bad[2] = ""
		}
		_, err := scenario.Parse("s.yaml", []byte(strings.Join(bad, "\n")))
		var mistake *scenario.Error
		require.ErrorAs(t, err, &mistake, c.text)
		require.Contains(t, err.Error(), c.says)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, 2, mistake.ExitCode())
	}
	_, err = scenario.Parse("s.yaml", nil)
	require.ErrorContains(t, err, "s.yaml: empty")
}

// An expectation of what there is not, or in another unit, is the file's mistake
// too, though only the results tell.
func TestExpectationsOfNothing(t *testing.T) {
	for text, says := range map[string]string{
		"happiness > 3":        "s.yaml:9: happiness: no such figure; there are failed, latency,",
		"p99(latency) < 2mbit": "s.yaml:9: p99(latency) is 20 ms, and cannot be compared with 2mbit",
		"p99(latency) < 2":     "s.yaml:9: p99(latency) is 20 ms, and cannot be compared with 2",
	} {
		s, r := run(t, strings.Replace(strings.Replace(echoes, "%s", "shape phone→server delay 10ms", 1), "max(latency) < 1s", text, 1))
		_, err := s.Judge("s.yaml", []*workload.Result{r})
		require.ErrorContains(t, err, says)
	}
}

// Whatever is in a file, parsing it gives a scenario or an error with its name,
// and what was parsed can be checked for all that running it would ask.
func FuzzParse(f *testing.F) {
	f.Add(scenario.Example)
	f.Add([]byte(echoes))
	f.Add([]byte("hosts: &a [x, y]\nwires:\n  - x ↔ y: {loss: 1%}\nexpect: lost == 0\nworkload: {name: bulk}"))
	f.Add([]byte("a: [1, {b: c}]\n? [x]\n: y"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scenario.Parse("f.yaml", data)
		var mistake *scenario.Error
		if err != nil {
			require.True(t, errors.As(err, &mistake))
			require.True(t, strings.HasPrefix(err.Error(), "f.yaml"))
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.NotNil(t, s.Workload)
		require.NotEmpty(t, s.Expect)
		_, err = s.Workload.Params(s.Settings)
		require.NoError(t, err)
		for _, w := range s.Wires {
			require.NoError(t, w.AB.Validate())
			require.NoError(t, w.BA.Validate())
		}
	})
}
