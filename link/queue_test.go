package link_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// A full queue drops what comes, or what has waited longest; the packet that is
// being sent is no longer in it.
func TestTailDropAndHeadDrop(t *testing.T) {
	for _, c := range []struct {
		queue link.Queue
		want  []uint32
		drop  func(link.Counters) uint64
	}{
		{link.Queue{Packets: 3}, []uint32{1, 2, 3, 4}, func(c link.Counters) uint64 { return c.DroppedFull }},
		{link.Queue{Bytes: 3000}, []uint32{1, 2, 3, 4}, func(c link.Counters) uint64 { return c.DroppedFull }},
		{link.Queue{Bytes: 3999}, []uint32{1, 2, 3, 4}, func(c link.Counters) uint64 { return c.DroppedFull }},
		{link.Queue{Packets: 3, Kind: link.HeadDrop}, []uint32{1, 8, 9, 10}, func(c link.Counters) uint64 { return c.DroppedHead }},
		{link.Queue{Bytes: 3000, Kind: link.HeadDrop}, []uint32{1, 8, 9, 10}, func(c link.Counters) uint64 { return c.DroppedHead }},
		{link.Queue{Packets: 3, Kind: link.CoDel}, []uint32{1, 2, 3, 4}, func(c link.Counters) uint64 { return c.DroppedFull }},
		{link.Queue{Packets: 3, Kind: link.FQCoDel}, []uint32{1, 8, 9, 10}, func(c link.Counters) uint64 { return c.DroppedHead }},
	} {
		l := newLine(t, link.Shape{Rate: link.Rate{Bits: 8_000_000}, Queue: c.queue})
		l.feed(t, 10, 1000, 0)
		require.Equal(t, c.want, l.far.marks(), "%+v", c.queue)
		counters := l.AB().Counters()
		require.EqualValues(t, 6, c.drop(counters))
		require.Equal(t, 3, counters.MaxQueued)
		require.Equal(t, 3000, counters.MaxQueuedBytes)
		whole(t, counters)
	}
}

// Without a limit the queue is netem's: 1000 packets.
func TestDefaultLimit(t *testing.T) {
	l := newLine(t, shape(t, "rate 1mbit"))
	l.feed(t, 1500, 100, 0)
	require.Len(t, l.far.got, 1001, "and the one that was being sent")
	require.EqualValues(t, 499, l.AB().Counters().DroppedFull)
}

// The queue is for the rate: a delay alone holds as many packets as fit on the
// wire, whatever the limit.
func TestDelayIsNotTheQueue(t *testing.T) {
	l := newLine(t, shape(t, "delay 100ms limit 10"))
	l.feed(t, 500, 100, 0)
	require.Len(t, l.far.got, 500)
	c := l.AB().Counters()
	require.Equal(t, 500, c.MaxUnderWay)
	require.Zero(t, c.MaxQueued)

	small := newLine(t, shape(t, "delay 100ms"), func(c *link.WireConfig) { c.QueueBytes = 1000 })
	small.feed(t, 15, 100, 0)
	require.Len(t, small.far.got, 10, "10 of 100 bytes: that is the wire's own bound")
	require.EqualValues(t, 5, small.AB().Counters().DroppedFull)
}

// CoDel's schedule (RFC 8289 §5.4), with 2 packets coming for each that leaves:
// the first that finds its time in the queue above the target (5 ms) begins an
// interval (100 ms), after which the first drop comes; and the drops that follow
// come interval/√n after each other. A packet leaves each millisecond, so each
// comes up to that late.
func TestCoDelDropSchedule(t *testing.T) {
	const n = 1600
	l := newLine(t, link.Shape{Rate: link.Rate{Bits: 8_000_000}, Queue: link.Queue{Kind: link.CoDel, Packets: n}})
	l.feed(t, n, 1000, 500*time.Microsecond)
	// The gaps in the marks are the drops; a packet that left a millisecond
	// later than the one before began to be sent when that one had left.
	var drops []time.Duration
	next := uint32(1)
	for _, a := range l.far.got {
		for ; next < a.mark; next++ {
			drops = append(drops, a.at-time.Millisecond)
		}
		next = a.mark + 1
	}
	// Packet k comes at k/2 ms and begins to leave at k ms, after k/2 ms: the
	// tenth has waited 5.
	above := 10 * time.Millisecond
	require.InDelta(t, float64(above+100*time.Millisecond), float64(drops[0]), float64(time.Millisecond))
	due := drops[0]
	for i, at := range drops[1:] {
		if at > 800*time.Millisecond { // when no more packets come
			require.GreaterOrEqual(t, i, 12, "100 ms times the sum of 1/√n is 700 ms after so many")
			break
		}
		due += time.Duration(100 * float64(time.Millisecond) / math.Sqrt(float64(i+1)))
		require.GreaterOrEqual(t, at, due-time.Microsecond, "drop %d", i+2)
		require.LessOrEqual(t, at, due+time.Millisecond, "drop %d", i+2)
	}
	c := l.AB().Counters()
	require.EqualValues(t, len(drops), c.DroppedCoDel)
	require.Zero(t, c.DroppedFull)
	whole(t, c)
}

// A queue that empties within the interval is a good queue: nothing is dropped
// of a burst.
func TestCoDelLetsBurstsPass(t *testing.T) {
	l := newLine(t, shape(t, "rate 8mbit queue codel"))
	for range 20 {
		l.feed(t, 90, 1000, 0) // 90 ms of queue, then rest
	}
	require.Zero(t, l.AB().Counters().DroppedCoDel)
	require.Len(t, l.far.got, 20*90)
}

// Two flows share a line with FQ-CoDel to a quantum, though one sends ten times
// as much; with one queue the line is shared as it is asked for.
func TestFQCoDelIsFair(t *testing.T) {
	shares := func(s link.Shape) (meek, greedy int, slowest time.Duration) {
		l := newLine(t, s)
		sent := map[uint32]time.Duration{}
		mark, random := uint32(0), newRandom(1)
		put := func(flow uint16) {
			mark++
			sent[mark<<1|uint32(flow-1)] = l.since()
			l.put(t, datagram(mark<<1|uint32(flow-1), 1000, flow))
		}
		for i := range 10_000 { // 10 s of 8 Mbit/s
			l.run(time.Duration(i) * time.Millisecond)
			place := random.IntN(4)
			for k := range 4 {
				if i%5 < 2 && k == place {
					put(1) // 40 %
				}
				put(2) // 400 %
			}
		}
		l.run(10 * time.Second)
		for _, a := range l.far.got {
			if a.mark&1 == 0 {
				meek++
				slowest = max(slowest, a.at-sent[a.mark])
			} else {
				greedy++
			}
		}
		whole(t, l.AB().Counters())
		return meek, greedy, slowest
	}
	meek, greedy, slowest := shares(shape(t, "rate 8mbit queue fq_codel"))
	require.InDelta(t, 4000, meek, 8, "it gets all that it asks for")
	require.InDelta(t, 6000, greedy, 8, "and the other what is left")
	// It waits for the packet that is being sent and for a turn of the other:
	// a quantum of 1514 bytes is two packets of 1000.
	require.LessOrEqual(t, slowest, 5*time.Millisecond)

	meek, greedy, _ = shares(shape(t, "rate 8mbit limit 1000"))
	require.Less(t, meek, 2500)
	require.Greater(t, greedy, 7500)
}

// Which flows collide in FQ-CoDel's queues depends on the seed.
func TestFQCoDelFlowHashIsSeeded(t *testing.T) {
	order := func(seed uint64) []uint32 {
		l := newLine(t, link.Shape{Rate: link.Rate{Bits: 8_000_000}, Queue: link.Queue{Kind: link.FQCoDel, Flows: 4}},
			func(c *link.WireConfig) { c.Seed = seed })
		for i := range uint32(64) {
			l.put(t, datagram(i, 1000, uint16(i%16)))
		}
		l.rest()
		require.Len(t, l.far.got, 64)
		return l.far.marks()
	}
	require.Equal(t, order(1), order(1))
	require.NotEqual(t, order(1), order(2))
}

// A queue that gets another kind while packets wait keeps them in their order,
// and drops what its limit does not take.
func TestQueueChangesUnderWay(t *testing.T) {
	l := newLine(t, shape(t, "rate 8mbit queue fq_codel"))
	for i := range uint32(9) {
		l.put(t, datagram(i+1, 1000, uint16(i%3)))
	}
	require.NoError(t, l.AB().Set(shape(t, "rate 16mbit limit 5")))
	l.rest()
	require.Equal(t, []uint32{1, 2, 3, 4, 5, 6}, l.far.marks())
	require.Equal(t, []time.Duration{1000, 1500, 2000, 2500, 3000, 3500}, microseconds(l.far.got), "the first had begun to leave at the old rate")
	c := l.AB().Counters()
	require.EqualValues(t, 3, c.DroppedFull)
	whole(t, c)
}

func microseconds(got []arrived) (at []time.Duration) {
	for _, a := range got {
		at = append(at, a.at/time.Microsecond)
	}
	return at
}
