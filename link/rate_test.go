package link_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// The nth packet of a full line arrives when n packets' bits have left, to the
// nanosecond: what does not divide is carried on, not rounded away n times.
func TestSerializationIsExact(t *testing.T) {
	for _, rate := range []uint64{1_000_003, 3_000_000, 7_777_777, 2_488_320_000, 999_999_999_989} {
		const n, size = 5000, 1487
		l := newLine(t, link.Shape{Rate: link.Rate{Bits: rate}, Queue: link.Queue{Packets: n}})
		l.feed(t, n, size, 0)
		require.Len(t, l.far.got, n)
		for i, a := range l.far.got {
			exact := new(big.Int).Mul(big.NewInt(int64(i+1)*size*8), big.NewInt(int64(time.Second)))
			exact.Div(exact, new(big.Int).SetUint64(rate))
			require.Equal(t, exact.Int64(), int64(a.at), "packet %d at %d bit/s", i+1, rate)
		}
		c := l.AB().Counters()
		whole(t, c)
		require.Equal(t, n-1, c.MaxQueued, "the first left at once")
		require.Equal(t, l.far.got[n-2].at, c.MaxQueueTime, "the last waited for all before it")
	}
}

// After a pause the line begins anew: nothing is carried over it.
func TestIdleLineBeginsAtOnce(t *testing.T) {
	l := newLine(t, shape(t, "rate 3mbit"))
	l.feed(t, 10, 1000, time.Second)
	for i, a := range l.far.got {
		require.Equal(t, time.Duration(i)*time.Second+2_666_666, a.at, "8000 bits at 3 Mbit/s, rounded down")
	}
}

// netem's example of ATM: 5 bytes of overhead on each cell of 48.
func TestCellsAndOverhead(t *testing.T) {
	for _, c := range []struct {
		rate  link.Rate
		size  int
		bytes int // on the line
	}{
		{link.Rate{PacketOverhead: 38}, 1500, 1538},
		{link.Rate{PacketOverhead: -14}, 1500, 1486},
		{link.Rate{PacketOverhead: -1500}, 1400, 0},
		{link.Rate{CellSize: 48, CellOverhead: 5}, 96, 106},
		{link.Rate{CellSize: 48, CellOverhead: 5}, 97, 159},
		{link.Rate{PacketOverhead: 8, CellSize: 48, CellOverhead: 5}, 1492, 32 * 53},
		{link.Rate{CellSize: 100, CellOverhead: -20}, 250, 240},
	} {
		c.rate.Bits = 8_000_000 // a byte is a microsecond
		l := newLine(t, link.Shape{Rate: c.rate})
		l.put(t, datagram(1, c.size, 1))
		l.rest()
		require.Equal(t, time.Duration(c.bytes)*time.Microsecond, l.far.got[0].at, "%+v", c)
	}
}

// Poisson arrivals at a line with packets of one size are an M/D/1 queue, whose
// mean time of waiting is known: ρ·D/(2(1-ρ)) (Pollaczek, Khinchine).
//
// 200,000 packets at ρ=0.7 are about 200,000·(1-ρ)²/2 = 9,000 independent looks
// at a waiting time whose deviation is about its mean, so that the mean is
// within 1/√9000 = 1.1 % of the truth; four times that, 4.5 %, is the bound.
func TestMD1QueueingDelay(t *testing.T) {
	const n, size, load = 200_000, 1000, 0.7
	service := time.Millisecond // 8000 bits at 8 Mbit/s
	l := newLine(t, link.Shape{Rate: link.Rate{Bits: 8_000_000}, Queue: link.Queue{Packets: n}})
	at := time.Duration(0)
	p := datagram(1, size, 1)
	random := newRandom(7)
	for range n {
		at += time.Duration(-math.Log(1-random.Float64()) / load * float64(service))
		l.run(at)
		l.put(t, p)
	}
	l.rest()
	c := l.AB().Counters()
	require.EqualValues(t, n, c.Delivered)
	want := load * float64(service) / (2 * (1 - load))
	require.InEpsilon(t, want, float64(c.QueueTime)/n, 0.045)
}

// An opportunity of the trace is 1500 bytes: two packets share one, a packet
// that needs more takes the rest of it from the next, and what nobody uses is
// lost.
func TestDeliveryTrace(t *testing.T) {
	trace := &link.DeliveryTrace{At: []uint32{2, 2, 5, 10}}
	l := newLine(t, link.Shape{Trace: trace})
	send := func(at time.Duration, sizes ...int) {
		l.run(at)
		for i, size := range sizes {
			l.put(t, datagram(uint32(i), size, 1))
		}
	}
	send(1*time.Millisecond, 700, 800) // both in the first of 2 ms; the second passes unused
	send(3*time.Millisecond, 1500)     // 5 ms
	send(6*time.Millisecond, 1000, 1000, 1000, 1001)
	// 10 ms: 1000 and 500 of the next; 12 ms, in the second round: its other 500
	// and 1000, and the second opportunity for 1001.
	send(16*time.Millisecond, 1500) // 20 ms
	send(20*time.Millisecond, 100)  // that of 20 ms is gone: 22 ms
	l.rest()
	var at []time.Duration
	for _, a := range l.far.got {
		at = append(at, a.at/time.Millisecond)
	}
	require.Equal(t, []time.Duration{2, 2, 5, 10, 12, 12, 12, 20, 22}, at)
	whole(t, l.AB().Counters())
}

// A trace of one packet a millisecond is a rate of 12 Mbit/s, after an hour of
// silence as well.
func TestDeliveryTraceIsARate(t *testing.T) {
	l := newLine(t, link.Shape{Trace: &link.DeliveryTrace{At: []uint32{1}}, Queue: link.Queue{Packets: 5000}})
	l.run(time.Hour)
	l.feed(t, 5000, 1500, 0)
	require.Len(t, l.far.got, 5000)
	for i, a := range l.far.got {
		require.Equal(t, time.Hour+time.Duration(i+1)*time.Millisecond, a.at)
	}
}
