package serve

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// Packets may come before all is served; the first line is where to go all the
// same, and they are told behind it.
func TestReadyIsToldFirst(t *testing.T) {
	for _, json := range []bool{true, false} {
		var out strings.Builder
		r := newReporter(&Config{Stdout: &out, Output: Output{JSON: json, Verbose: true}})
		flow := trace.FlowOf(netAddr("10.77.0.2:80"), netAddr("10.77.0.1:40000"))
		syn := trace.Event{Host: hostName, Dir: trace.In, Flow: flow, What: trace.Segment{Flags: trace.SYN}}
		for range 2 * maxHeld { // more than is kept
			r.rec.Record(syn)
		}
		r.ready(&place{device: "strata0", ours: []netip.Addr{netip.MustParseAddr("10.77.0.2")}, port: 80})
		r.rec.Record(trace.Event{Host: hostName, Dir: trace.In, Flow: flow, What: trace.Frame{Opcode: "text", Preview: "later"}})
		r.close()
		first, rest, _ := strings.Cut(out.String(), "\n")
		require.Contains(t, first, "strata0")
		require.Equal(t, maxHeld, strings.Count(rest, "SYN"), "bounded")
		require.Less(t, strings.LastIndex(rest, "SYN"), strings.Index(rest, "later"))
		if json {
			require.True(t, strings.HasSuffix(rest, "\n{\"kind\":\"closed\"}\n"), "the last line")
		}
	}
}

type netAddr string

func (netAddr) Network() string  { return "tcp" }
func (a netAddr) String() string { return string(a) }
