package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"strata/lab/workload"
)

// What cannot be is refused in one line that names the flag and says what can.
func TestSettingsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		workload, axis, value, says string
	}{
		{"bulk", "loss", "banana", `--loss "banana": `},
		{"bulk", "delay", "50parsecs", `--delay "50parsecs": `},
		{"bulk", "clients", "3", "--clients: bulk has no use for it; it takes delay"},
		{"bulk", "colour", "red", `there is no axis "colour"`},
		{"bulk", "cc", "vegas", `--cc "vegas": reno or cubic is wanted`},
		{"bulk", "size", "2x", `--size "2x": a size from`},
		{"bulk", "size", "999999m", "bytes is wanted"},
		{"bulk", "preset", "dialup", "dialup"},
		{"socketio-chat", "message-rate", "0", "a number from 0.001"},
		{"half-open", "keepalive", "15s", "like 15s/15s/9"},
		{"half-open", "ping-interval", "25", "with its unit"},
		{"bulk", "reorder", "5%", ""}, // with the default's delay it is right
	} {
		w, err := workload.Find(c.workload)
		require.NoError(t, err)
		_, err = w.Params([]workload.Setting{{Axis: c.axis, Value: c.value}})
		if c.says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.says)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := workload.Find("nap")
	require.ErrorContains(t, err, "handshake, bulk")
}

// A preset says what the wire is, in place of the workload's defaults, and its way
// up is the clients'.
func TestShapesOfSettings(t *testing.T) {
	w, err := workload.Find("bulk")
	require.NoError(t, err)
	for _, c := range []struct {
		settings    []workload.Setting
		shape, back string
	}{
		{nil, "delay 50ms loss 1%", "delay 50ms loss 1%"},
		{[]workload.Setting{set("preset", "dsl")}, "delay 25ms rate 1500kbit limit 64", "delay 25ms rate 384kbit limit 32"},
		{[]workload.Setting{set("preset", "dsl"), set("loss", "2%")}, "delay 25ms loss 2% rate 1500kbit limit 64", "delay 25ms loss 2% rate 384kbit limit 32"},
		{[]workload.Setting{set("loss", "0"), set("jitter", "5ms")}, "delay 50ms 5ms", "delay 50ms 5ms"},
		{[]workload.Setting{set("back", "delay 1ms")}, "delay 50ms loss 1%", "delay 1ms"},
	} {
		p, err := w.Params(c.settings)
		require.NoError(t, err)
		require.Equal(t, c.shape, p.Shape.String())
		require.Equal(t, c.back, p.Back.String())
	}
}

// What the command line is told to run again, a shell reads as it was.
func TestFlagsAreQuoted(t *testing.T) {
	require.Equal(t, "--loss 5%", set("loss", "5%").Flag())
	require.Equal(t, "--delay '50ms 10ms'", set("delay", "50ms 10ms").Flag())
	require.Equal(t, `--delivery-trace 'it'\''s'`, set("delivery-trace", "it's").Flag())
}

// Expressions over results: of samples together, of figures their mean.
func TestExpressions(t *testing.T) {
	rs := []*workload.Result{
		{Figures: []workload.Figure{{Name: "lost", Value: 1}}, Samples: []workload.Sample{{Name: "latency", Unit: "s", Values: []float64{1, 2, 3}}}},
		{Figures: []workload.Figure{{Name: "lost", Value: 2}}, Samples: []workload.Sample{{Name: "latency", Unit: "s", Values: []float64{4}}}},
	}
	for text, want := range map[string]float64{
		"lost": 1.5, "max(lost)": 2, "p50(latency)": 2, "p99(latency)": 4, "mean(latency)": 2.5, "count(latency)": 4, " min( latency ) ": 1, "p0(latency)": 1,
	} {
		e, err := workload.ParseExpr(text)
		require.NoError(t, err, text)
		got, _, err := e.Eval(rs)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, bad := range []string{"", "p99", "p101(latency)", "median(latency)", "p99(latency", "p99()", "(x)", "a)b"} {
		e, err := workload.ParseExpr(bad)
		if err == nil {
			_, _, err = e.Eval(rs)
		}
		require.Error(t, err, bad)
	}
}

func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{"lost", "p99(latency)", "count( x )", "p(", "()"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := workload.ParseExpr(text)
		if err != nil {
			return
		}
		again, err := workload.ParseExpr(e.String())
		require.NoError(t, err)
		require.Equal(t, e.String(), again.String())
	})
}
