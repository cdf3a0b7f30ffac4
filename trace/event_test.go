package trace_test

import (
	"encoding/json"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// What programs read: one flat object, what happened under its kind, and
// nothing that was not there.
func TestJSON(t *testing.T) {
	shift, id := uint8(7), int64(0)
	at := time.Date(2026, 11, 22, 10, 0, 0, 1000, time.UTC)
	flow := trace.Flow{Local: netip.MustParseAddrPort("10.77.0.2:80"), Remote: netip.MustParseAddrPort("[fd77::1]:40000")}
	for _, c := range []struct {
		event trace.Event
		json  string
	}{
		{
			trace.Event{At: at, Host: "server", Dir: trace.In, Flow: flow, What: trace.Segment{
				Flags: trace.SYN, Seq: 1, Window: 64240, TTL: 64, Packet: 60, Options: trace.Options{MSS: 1460, WindowScale: &shift, SACKPermitted: true},
			}},
			`{"time":"2026-11-22T10:00:00.000001Z","host":"server","layer":4,"kind":"segment","dir":"in","local":"10.77.0.2:80","remote":"[fd77::1]:40000",
			  "segment":{"flags":"SYN","seq":1,"ack":0,"window":64240,"len":0,"ttl":64,"packet":60,"options":{"mss":1460,"ws":7,"sackOK":true}}}`,
		},
		{
			trace.Event{At: at, What: trace.ARP{Op: "request", Target: netip.MustParseAddr("10.77.0.2")}},
			`{"time":"2026-11-22T10:00:00.000001Z","layer":2,"kind":"arp","arp":{"op":"request","target":"10.77.0.2"}}`,
		},
		{
			trace.Event{At: at, Dir: trace.Out, Flow: flow, What: trace.Message{Type: "ACK", Namespace: "/", ID: &id}},
			`{"time":"2026-11-22T10:00:00.000001Z","layer":7,"kind":"message","dir":"out","local":"10.77.0.2:80","remote":"[fd77::1]:40000",
			  "message":{"type":"ACK","nsp":"/","id":0}}`,
		},
	} {
		b, err := json.Marshal(c.event)
		require.NoError(t, err)
		require.JSONEq(t, c.json, string(b))
	}
}

func TestFlags(t *testing.T) {
	for f, want := range map[trace.Flags]string{
		trace.SYN:                         "SYN",
		trace.SYN | trace.ACK:             "SYN-ACK",
		trace.PSH | trace.ACK:             "PSH-ACK",
		trace.FIN | trace.PSH | trace.ACK: "FIN-PSH-ACK",
		trace.RST:                         "RST",
		trace.CWR | trace.ECE | trace.SYN: "SYN-ECE-CWR",
		0:                                 "none",
	} {
		require.Equal(t, want, f.String())
	}
}

// The floors name a connection alike, however its addresses are written.
func TestFlowOf(t *testing.T) {
	want := trace.Flow{Local: netip.MustParseAddrPort("10.0.0.2:80"), Remote: netip.MustParseAddrPort("10.0.0.1:4000")}
	mapped := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2).To16(), Port: 80}
	require.Equal(t, want, trace.FlowOf(mapped, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1).To4(), Port: 4000}))
	require.Equal(t, want.Reverse(), trace.FlowOf(named("10.0.0.1:4000"), mapped))
	require.Zero(t, trace.FlowOf(named("pipe"), nil))
}

type named string

func (n named) Network() string { return "test" }
func (n named) String() string  { return string(n) }

func TestTee(t *testing.T) {
	require.Nil(t, trace.Tee(nil, nil), "nobody is nobody: reporters compare with nil")
	var got []int
	rec := func(i int) trace.Recorder { return trace.RecorderFunc(func(trace.Event) { got = append(got, i) }) }
	trace.Tee(rec(1), nil, rec(2)).Record(trace.Event{})
	require.Equal(t, []int{1, 2}, got)
}

// restless is a recorder that wants so much, of one connection.
type restless struct {
	trace.Recorder
	flow trace.Flow
	much trace.Interest
}

func (r restless) Interest(f trace.Flow) trace.Interest {
	if f == (trace.Flow{}) || f == r.flow {
		return r.much
	}
	return trace.Beginnings
}

// Who has not said otherwise wants everything, nobody wants nothing, and of two
// the one counts that wants more.
func TestWants(t *testing.T) {
	plain := trace.RecorderFunc(func(trace.Event) {})
	mine := trace.Flow{Local: netip.MustParseAddrPort("10.0.0.2:80"), Remote: netip.MustParseAddrPort("10.0.0.1:4000")}
	outline := restless{plain, mine, trace.Outline}
	require.True(t, trace.Wants(plain, mine, trace.Details))
	require.False(t, trace.Wants(nil, mine, trace.Beginnings))
	require.True(t, trace.Wants(outline, mine, trace.Outline))
	require.False(t, trace.Wants(outline, mine, trace.Details))
	require.False(t, trace.Wants(outline, mine.Reverse(), trace.Outline))
	require.True(t, trace.Wants(outline, trace.Flow{}, trace.Outline), "of some connection")
	both := trace.Tee(outline, restless{plain, mine, trace.Details})
	require.True(t, trace.Wants(both, mine, trace.Details))
	require.False(t, trace.Wants(both, mine.Reverse(), trace.Outline))
	require.True(t, trace.Wants(trace.Tee(outline, plain), mine.Reverse(), trace.Details))
}
