//go:build linux

package kernel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/lab/kernel"
	"strata/lab/workload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// need skips what cannot be done here; where CI is set it must.
func need(t *testing.T) {
	t.Helper()
	reason := ""
	if os.Geteuid() != 0 {
		reason = "needs root, to make network namespaces"
	} else if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
		reason = fmt.Sprintf("needs /dev/net/tun: %v (as root: modprobe tun)", err)
	} else {
		f.Close()
	}
	switch {
	case reason != "" && os.Getenv("CI") != "":
		t.Fatal(reason)
	case reason != "":
		t.Skip(reason)
	}
}

// Kernels run the same workloads over the same shapes: nothing is faster than the
// wire, nothing is lost, who is gone is noticed no sooner than was promised; and
// nothing is left behind.
func TestKernelsRunWorkloads(t *testing.T) {
	need(t)
	for _, c := range []struct {
		workload string
		settings []workload.Setting
		least    map[string]float64
		zero     []string
	}{
		{
			"ws-echo", []workload.Setting{{Axis: "delay", Value: "20ms"}, {Axis: "duration", Value: "1s"}, {Axis: "clients", Value: "2"}},
			map[string]float64{"min(latency)": 0.040, "messages": 20}, []string{"missing", "failed"},
		},
		{
			"handshake", []workload.Setting{{Axis: "delay", Value: "10ms"}},
			map[string]float64{"tcp": 0.040, "tls": 0.060, "wss": 0.080, "socket.io": 0.080}, []string{"failed"},
		},
		{
			"bulk", []workload.Setting{{Axis: "delay", Value: "5ms"}, {Axis: "loss", Value: "1%"}, {Axis: "size", Value: "200k"}, {Axis: "cc", Value: "reno"}, {Axis: "mss", Value: "1000"}, {Axis: "buffers", Value: "64k"}},
			map[string]float64{"min(took)": 0.020}, []string{"unfinished"},
		},
		{
			"half-open", []workload.Setting{{Axis: "delay", Value: "5ms"}, {Axis: "ping-interval", Value: "300ms"}, {Axis: "ping-timeout", Value: "500ms"}, {Axis: "keepalive", Value: "1s/1s/1"}, {Axis: "user-timeout", Value: "1s"}},
			// Of 0.8, 0.8 and 1 s: on a busy machine what was heard last is noted
			// somewhat later than the timer was set.
			map[string]float64{"server silence": 0.7, "client silence": 0.7, "user timeout": 0.9}, []string{"unnoticed"},
		},
	} {
		t.Run(c.workload, func(t *testing.T) {
			w, err := workload.Find(c.workload)
			require.NoError(t, err)
			p, err := w.Params(c.settings)
			require.NoError(t, err)
			r, err := kernel.Run(t.Context(), w, p, 1)
			require.NoError(t, err)
			for expr, least := range c.least {
				v, err := r.Eval("min(" + expr + ")")
				if err != nil {
					v, err = r.Eval(expr)
				}
				require.NoError(t, err)
				require.GreaterOrEqual(t, v, least, expr)
			}
			for _, expr := range c.zero {
				v, err := r.Eval(expr)
				require.NoError(t, err)
				require.Zero(t, v, expr)
			}
			left, err := filepath.Glob(fmt.Sprintf("/run/netns/strata-lab-%d-*", os.Getpid()))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// What cannot be made is an error, not half a network.
func TestKernelThatCannotBe(t *testing.T) {
	need(t)
	w, err := workload.Find("bulk")
	require.NoError(t, err)
	p, err := w.Params(nil)
	require.NoError(t, err)
	p.CongestionControl = "nonesuch"
	_, err = kernel.Run(t.Context(), w, p, 1)
	require.ErrorContains(t, err, "congestion control nonesuch: this kernel does not have it (as root: modprobe tcp_nonesuch)")
	p.Clients = 1000
	_, err = kernel.Run(t.Context(), w, p, 1)
	require.ErrorContains(t, err, "at most 200 clients, not 1000")
}
