package inspect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// talk has every connection say something, round after round; each segment's
// sequence number says the how-manieth of its connection it is.
type talk struct {
	r    *Recorder
	at   time.Duration
	said map[trace.Flow]uint32
}

func (t *talk) round(conns int, pause time.Duration) {
	for n := range conns {
		t.at += pause
		e := segment(n, t.at, trace.ACK)
		t.said[e.Flow]++
		e.What = trace.Segment{Flags: trace.ACK, Seq: t.said[e.Flow]}
		if trace.Wants(t.r, e.Flow, trace.Details) { // as those do who report
			t.r.Record(e)
		}
	}
}

// followed are the connections of which something is kept behind the last gap. It
// is all that they have said since the first of it.
func (t *talk) followed(tt *testing.T) map[trace.Flow]int {
	_, events, _ := t.r.recording()
	last, count := map[trace.Flow]uint32{}, map[trace.Flow]int{}
	for _, e := range events {
		seq := e.What.(trace.Segment).Seq
		if was, ok := last[e.Flow]; ok {
			require.Equal(tt, was+1, seq, "a gap")
		}
		last[e.Flow] = seq
		count[e.Flow]++
	}
	for flow, seq := range last {
		require.Equal(tt, t.said[flow], seq, "a gap at the end")
	}
	return count
}

// A thousand connections say together forty times more than there is room for:
// some are followed wholly, of the others nothing is kept, and the same ones are
// followed from then on. When it is quieter they are more again, up to all.
func TestSomeAreFollowed(t *testing.T) {
	r := NewRecorder()
	defer r.close()
	r.watch()
	talk := &talk{r: r, said: map[trace.Flow]uint32{}}
	const conns = 1000
	busy := turn / perTurn / 40
	for range 200 { // half a second
		talk.round(conns, busy)
	}
	first := talk.followed(t)
	require.NotEmpty(t, first)
	require.Less(t, len(first), conns/20, "a fortieth, and some room")
	require.Zero(t, r.leftOut.Load(), "nothing of those that are followed")
	for range 400 {
		talk.round(conns, busy)
	}
	stayed := 0
	for flow, n := range talk.followed(t) {
		if first[flow] > 0 {
			stayed++
			require.Greater(t, n, 100, "%v", flow)
		}
	}
	require.NotZero(t, stayed)

	// A tenth of what there is room for: from one connection at least it doubles
	// ten times, once a second.
	for range 15 {
		talk.round(conns, 10*turn/perTurn)
	}
	require.Greater(t, len(talk.followed(t)), conns/2)
	require.EqualValues(t, everyone, r.bound.Load())
}

// One connection that alone says more than there is room for is followed
// nevertheless, as far as there is room; so is it beside another.
func TestOneIsAlwaysFollowed(t *testing.T) {
	for conns := 1; conns <= 2; conns++ {
		r := NewRecorder()
		defer r.close()
		r.watch()
		talk := &talk{r: r, said: map[trace.Flow]uint32{}}
		for range 5000 {
			talk.round(conns, time.Microsecond)
		}
		_, next, _ := r.since(0, 1, all)
		require.NotZero(t, next)
		require.NotZero(t, r.bound.Load())
		require.NotZero(t, r.leftOut.Load())
	}
}
