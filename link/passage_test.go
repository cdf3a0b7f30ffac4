package link_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/trace"
)

// passages notes what the recorder of a wire is told.
type passages struct {
	mu     sync.Mutex
	events []trace.Event
}

func (p *passages) Record(e trace.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
}

func recorded(t *testing.T, shape link.Shape) (*testLine, *passages) {
	p := &passages{}
	l := newLine(t, shape, func(c *link.WireConfig) { c.Recorder, c.Name = p, "cable" })
	return l, p
}

// What is told of packets and what the counters count is the same, whatever the
// wire does to them; and each packet's parts are what it took.
func TestPassagesAreWhatTheCountersCount(t *testing.T) {
	for _, words := range []string{
		"",
		"delay 10ms 3ms",
		"loss 20% delay 5ms",
		"rate 8mbit limit 20 delay 1ms",
		"rate 8mbit queue headdrop limit 20",
		"rate 8mbit queue codel limit 100 target 1ms interval 10ms",
		"duplicate 20% corrupt 20% delay 2ms",
		"delay 5ms reorder 25% gap 3",
		"mtu 500",
	} {
		t.Run(words, func(t *testing.T) {
			s, err := link.ParseShape(words)
			if err != nil {
				t.Fatal(err)
			}
			l, p := recorded(t, s)
			l.feed(t, 200, 1000, 500*time.Microsecond)
			l.AB().Blackhole(true)
			l.put(t, datagram(1, 100, 1))
			l.AB().Blackhole(false)
			l.rest()

			c := l.AB().Counters()
			whole(t, c)
			dropped := map[string]uint64{}
			var arrived, copies, corrupted uint64
			for _, e := range p.events {
				w := e.What.(trace.Passage)
				require.Equal(t, e.At.Sub(w.Sent), w.Queued+w.Serialized+w.Delayed)
				require.GreaterOrEqual(t, min(w.Queued, w.Serialized, w.Delayed), time.Duration(0))
				require.Equal(t, "cable from A to B", w.Wire)
				require.Equal(t, trace.Out, e.Dir)
				require.Equal(t, "10.0.0.1:1 10.0.0.2:7", e.Flow.String())
				require.Equal(t, "udp", w.Packet.(trace.Datagram).Proto)
				if w.Copy {
					copies++
				}
				if w.Corrupted {
					corrupted++
				}
				if w.Dropped != "" {
					dropped[w.Dropped]++
				} else {
					arrived++
				}
			}
			require.Equal(t, c.Delivered, arrived)
			require.Equal(t, c.Duplicated, copies)
			require.Equal(t, c.Corrupted, corrupted)
			for why, n := range map[string]uint64{
				trace.DroppedLoss: c.DroppedLoss, trace.DroppedFull: c.DroppedFull, trace.DroppedHead: c.DroppedHead,
				trace.DroppedCoDel: c.DroppedCoDel, trace.DroppedMTU: c.DroppedMTU, trace.DroppedBlackhole: c.DroppedBlackhole,
			} {
				require.Equal(t, n, dropped[why], why)
			}
			require.Equal(t, uint64(1), dropped[trace.DroppedBlackhole])
		})
	}
}

// Of a full line the parts are known: a packet waits for all before it, takes
// its own bits' time, and then the delay.
func TestPassageParts(t *testing.T) {
	l, p := recorded(t, shape(t, "rate 8mbit delay 40ms"))
	l.feed(t, 3, 1000, 0)
	require.Len(t, p.events, 3)
	for i, e := range p.events {
		w := e.What.(trace.Passage)
		require.Equal(t, uint64(i+1), w.Number)
		require.Equal(t, time.Duration(i)*time.Millisecond, w.Queued)
		require.Equal(t, time.Millisecond, w.Serialized)
		require.Equal(t, 40*time.Millisecond, w.Delayed)
	}
}

// What a cut takes along is told with the time until then, also what had not
// left the queue; and what meets a rule, a wire that is down or is cut.
func TestPassagesThatEndOnTheWay(t *testing.T) {
	l, p := recorded(t, shape(t, "rate 8mbit delay 1.5ms"))
	for range 3 {
		l.put(t, datagram(1, 1000, 1))
	}
	l.At(l.Now().Add(2*time.Millisecond), l.AB().Down)
	l.rest()
	l.put(t, datagram(1, 1000, 1))
	l.AB().Up()
	guard := l.AB().Rule(func(*link.View) link.Verdict { return link.Drop })
	l.put(t, datagram(1, 1000, 1))
	guard.Release()
	l.Close()
	l.put(t, datagram(1, 1000, 1))

	type end struct {
		why                         string
		queued, serialized, delayed time.Duration
	}
	var got []end
	for _, e := range p.events {
		w := e.What.(trace.Passage)
		got = append(got, end{w.Dropped, w.Queued, w.Serialized, w.Delayed})
	}
	const ms = time.Millisecond
	require.ElementsMatch(t, []end{
		{trace.DroppedDown, 0, ms, ms},    // was in flight
		{trace.DroppedDown, ms, ms, 0},    // had just left
		{trace.DroppedDown, 2 * ms, 0, 0}, // its first bit was to leave now
		{trace.DroppedDown, 0, 0, 0},
		{trace.DroppedRule, 0, 0, 0},
		{trace.DroppedClosed, 0, 0, 0},
	}, got)
}
