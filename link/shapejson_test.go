package link

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var jsonShapes = []struct {
	json  string
	shape string // in words
}{
	{`{}`, ``},
	{`{"delay":"80ms 10ms","loss":"gemodel 1% 10%"}`, `delay 80ms 10ms loss gemodel 1% 10%`},
	{`{"delay":"80ms 10ms distribution normal","reorder":"5% gap 3"}`, `delay 80ms 10ms distribution normal reorder 5% gap 3`},
	{`{"limit":"50"}`, `limit 50`},
	{`{"queue":"codel limit 50","slot":"1ms packets 2 bytes 3000","mtu":"1400"}`, `queue codel limit 50 slot 1ms packets 2 bytes 3000 mtu 1400`},
	{`{"duplicate":"1%","corrupt":"1% 2%","rate":"2mbit -14 48 5"}`, `duplicate 1% corrupt 1% 2% rate 2mbit -14 48 5`},
	{`{"trace":"testdata/12mbit.trace"}`, `trace testdata/12mbit.trace`},
}

// A shape is an object of the same words, and comes back from it.
func TestShapeJSON(t *testing.T) {
	for _, c := range jsonShapes {
		want := MustParseShape(c.shape)
		got, err := json.Marshal(want)
		require.NoError(t, err)
		require.Equal(t, c.json, string(got))

		var back Shape
		require.NoError(t, json.Unmarshal([]byte(c.json), &back))
		require.Equal(t, want, back)

		// The plain string is as good.
		text, err := json.Marshal(c.shape)
		require.NoError(t, err)
		back = Shape{MTU: 99}
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, want, back)
	}
}

// Numbers may be numbers, words may stand in any order and apart.
func TestShapeJSONIsLenient(t *testing.T) {
	for in, want := range map[string]string{
		`{"limit": 50, "mtu": 1400}`: `limit 50 mtu 1400`,
		`{"delay": 100}`:             `delay 100us`,
		`{"distribution": "pareto", "gap": 5, "reorder": 10, "delay": "10ms 1ms"}`: `delay 10ms 1ms distribution pareto reorder 10% gap 5`,
		`{"loss": "0%", "delay": "5ms", "preset": "lte up"}`:                       `preset lte up delay 5ms loss 0%`,
		`{"limit": 9, "queue": "headdrop"}`:                                        `queue headdrop limit 9`,
	} {
		var got Shape
		require.NoError(t, json.Unmarshal([]byte(in), &got), in)
		require.Equal(t, MustParseShape(want), got, in)
	}
	got := Shape{MTU: 1400}
	require.NoError(t, json.Unmarshal([]byte(`null`), &got))
	require.Equal(t, Shape{MTU: 1400}, got, "null leaves it")
}

// An error names the key, and leaves the shape that was there.
func TestShapeJSONRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`{"dealy": "5ms"}`:                       `shape: dealy: unknown word; did you mean delay?`,
		`{"": "5ms"}`:                            `shape: an empty key`,
		`{"delay": "5mss"}`:                      `shape: delay: "5mss" at 1: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`,
		`{"delay": ""}`:                          `shape: delay: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`,
		`{"delay": "5ms loss 1%"}`:               `shape: delay: "loss" at 5: loss is a key of its own`,
		`{"delay": "5ms dealy 1%"}`:              `shape: delay: "dealy" at 5: unknown word; did you mean delay?`,
		`{"delay": "5ms", "delay": "6ms"}`:       `shape: delay: delay is given twice`,
		`{"delay": "5ms", "latency": "6ms"}`:     `shape: latency: delay is given twice`,
		`{"delay": "5ms distribution normal"}`:   `shape: delay: "distribution" at 5: needs a delay and a jitter, both above zero`,
		`{"reorder": "5%"}`:                      `shape: reorder: needs a delay that a packet can pass`,
		`{"limit": 0}`:                           `shape: limit: "0" at 1: a queue of zero packets lets nothing pass`,
		`{"limit": 1.5}`:                         `shape: limit: "1.5" at 1: expected a number of packets from 1 to 16777216`,
		`{"limit": null}`:                        `shape: limit: expected a string`,
		`{"loss": {"p": 1}}`:                     `shape: loss: expected a string`,
		`{"loss": ["1%"]}`:                       `shape: loss: expected a string`,
		`{"trace": "\"x"}`:                       `shape: trace: "\"x" at 1: the quotes do not end, or are no Go string`,
		`{"queue": "codel limit 5", "limit": 6}`: `shape: limit: limit is given twice`,
		`["delay 5ms"]`:                          `shape: expected a string or an object`,
		`17`:                                     `shape: expected a string or an object`,
		`"dealy 5ms"`:                            `shape: "dealy" at 1: unknown word; did you mean delay?`,
	} {
		s := Shape{MTU: 1400}
		require.EqualError(t, s.UnmarshalJSON([]byte(in)), want, in)
		require.Equal(t, Shape{MTU: 1400}, s)
	}
	var s Shape
	require.Error(t, s.UnmarshalJSON([]byte(`{"delay":`)))
	require.Error(t, s.UnmarshalJSON(nil))

	_, err := json.Marshal(Shape{MTU: 1})
	require.ErrorContains(t, err, "shape: mtu: not between 68 and 65535")
}

// A YAML library takes a shape as a text or as a mapping, and writes a text.
func TestShapeYAML(t *testing.T) {
	var world struct {
		Down, Up, Back Shape
	}
	require.NoError(t, yaml.Unmarshal([]byte(`
down: delay 80ms 10ms loss 1%
up:
  preset: 3g up
  delay: 20ms 5ms
  distribution: normal
  loss: 0.5
  limit: 50
  mtu: 1280
back:
  rate: 5mbit
`), &world))
	require.Equal(t, MustParseShape("delay 80ms 10ms loss 1%"), world.Down)
	require.Equal(t, MustParseShape("preset 3g up delay 20ms 5ms distribution normal loss 0.5% limit 50 mtu 1280"), world.Up)
	require.Equal(t, MustParseShape("rate 5mbit"), world.Back)

	out, err := yaml.Marshal(map[string]Shape{"down": world.Down})
	require.NoError(t, err)
	require.Equal(t, "down: delay 80ms 10ms loss 1%\n", string(out))

	for in, want := range map[string]string{
		"dealy 5ms":         `shape: "dealy" at 1: unknown word; did you mean delay?`,
		"{dealy: 5ms}":      `shape: dealy: unknown word; did you mean delay?`,
		"{loss: true}":      `shape: loss: expected a string`,
		"{limit: 64kb}":     `shape: limit: "64kb" at 1: limit is in packets, without a unit; for bytes write queue taildrop bytes 64kb`,
		"[delay 5ms]":       "shape: expected a string or a mapping: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]interface {}",
		"{reorder: 5%}":     `shape: reorder: needs a delay that a packet can pass`,
		"{preset: 4g ultra": "",
	} {
		var s Shape
		err := yaml.Unmarshal([]byte(in), &s)
		require.Error(t, err, in)
		if want != "" {
			require.EqualError(t, err, want, in)
		}
	}
}
