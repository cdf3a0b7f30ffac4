package inspect

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func all(trace.Event) bool { return true }

// segment is a segment of connection n.
func segment(n int, at time.Duration, flags trace.Flags) trace.Event {
	remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 24), byte(n >> 16)}), uint16(n))
	return trace.Event{
		At: began.Add(at), Host: "server", Dir: trace.In,
		Flow: trace.Flow{Local: netip.MustParseAddrPort("10.0.0.2:80"), Remote: remote}, What: trace.Segment{Flags: flags},
	}
}

// While nobody looks nothing is kept and nothing allocated; the beginnings of
// connections are remembered, and no more than there is room for.
func TestNobodyLooks(t *testing.T) {
	r := NewRecorder()
	e := segment(1, 0, trace.ACK)
	require.Zero(t, testing.AllocsPerRun(100, func() { r.Record(e) }))
	for n := range 2 * maxOpened {
		r.Record(segment(n, 0, trace.SYN))
	}
	opened, events, _ := r.recording()
	require.Len(t, opened, maxOpened)
	require.Empty(t, events)
}

// The last events are kept; the older ones are lost, which who asks for them is
// told.
func TestKept(t *testing.T) {
	r := NewRecorder()
	defer r.close()
	r.watch()
	const more = 100
	for n := range kept + more { // slowly enough
		r.Record(segment(n, time.Duration(n)*turn/perTurn*4, trace.ACK))
	}
	events, next, lost := r.since(10, 5, all)
	require.EqualValues(t, more-10, lost)
	require.EqualValues(t, more, events[0].number)
	require.Len(t, events, 5)
	require.EqualValues(t, more+5, next)
	events, next, lost = r.since(next, 2*kept, all)
	require.Zero(t, lost)
	require.Len(t, events, kept-5)
	require.EqualValues(t, kept+more, next)
	require.Zero(t, r.leftOut.Load())
}

// Of one connection's flood so much is taken as a turn may have; the rest is counted, and what
// comes before the gap is not used to explain what comes behind it.
func TestFlood(t *testing.T) {
	r := NewRecorder()
	defer r.close()
	r.watch()
	for n := range 3 * perTurn {
		r.Record(segment(1, time.Duration(n), trace.ACK))
	}
	require.EqualValues(t, 2*perTurn, r.leftOut.Load())
	_, events, _ := r.recording()
	require.Empty(t, events)
	r.Record(segment(1, turn+time.Microsecond, trace.ACK))
	_, events, _ = r.recording()
	require.Len(t, events, 1)
	require.EqualValues(t, 2*perTurn, r.leftOut.Load())
}

// When nobody has looked for a while all is let go of; the numbers go on, so that
// who comes back gets nothing twice.
func TestDoze(t *testing.T) {
	r := NewRecorder()
	defer r.close()
	r.watch()
	for n := range 10 {
		r.Record(segment(n, time.Duration(n)*time.Millisecond, trace.ACK))
	}
	r.doze()
	require.True(t, r.follows(trace.Flow{}), "the time is not over")
	r.mu.Lock()
	r.until = time.Now()
	r.mu.Unlock()
	r.doze()
	require.False(t, r.follows(trace.Flow{}))
	r.Record(segment(11, time.Second, trace.ACK))
	r.watch()
	r.Record(segment(12, time.Second, trace.ACK))
	events, next, lost := r.since(10, 10, all)
	require.Zero(t, lost)
	require.Len(t, events, 1)
	require.EqualValues(t, 11, next)
}

// What Record costs: while nobody looks, and while somebody does.
func BenchmarkRecord(b *testing.B) {
	for _, name := range []string{"nobody", "watched"} {
		b.Run(name, func(b *testing.B) {
			r := NewRecorder()
			defer r.close()
			if name == "watched" {
				r.watch()
			}
			e := segment(1, 0, trace.ACK)
			b.ReportAllocs()
			for b.Loop() {
				e.At = e.At.Add(turn / perTurn)
				r.Record(e)
			}
		})
	}
}
