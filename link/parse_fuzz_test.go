package link

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is read is valid, and String writes what is read as the same again;
// whatever is refused is refused in one line, by a word at its place.
func FuzzParseShape(f *testing.F) {
	for _, r := range reads {
		f.Add(r.text)
	}
	for _, r := range refusals {
		f.Add(r.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "/") {
			t.Skip("may name any file of this machine")
		}
		s, err := ParseShape(text)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.IsType(t, &ParseError{}, err)
			e := err.(*ParseError)
			require.NotEmpty(t, e.Reason)
			require.True(t, 0 <= e.Offset && e.Offset <= len(text))
			return
		}
		require.NoError(t, s.Validate())
		canon := s.String()
		again, err := ParseShape(canon)
		require.NoError(t, err, canon)
		require.Equal(t, s, again, canon)
		require.Equal(t, canon, again.String())
	})
}

// Every valid shape, not only those that come of a text, is written and read
// back the same, to the last bit of its floats; and so is its JSON.
func FuzzShapeString(f *testing.F) {
	f.Add(int64(80e6), int64(10e6), 0.25, uint8(1), uint8(2), 0.01, 0.1, 1.0, 0.0, uint64(2e6), 0, 0, 50, 0, uint8(0), 0)
	f.Add(int64(1), int64(0), 1e-300, uint8(0), uint8(3), 1.0/3, 2.0/3, 0.1, 0.3, uint64(1), -14, 48, 0, 1<<20, uint8(3), 1280)
	f.Fuzz(func(t *testing.T, time1, time2 int64, p1 float64, dist, loss uint8, p2, p3, p4, p5 float64,
		bits uint64, overhead, cell, packets, bytes int, queue uint8, mtu int,
	) {
		a, b := time.Duration(time1), time.Duration(time2)
		s := Shape{
			Delay:     Delay{Time: a, Jitter: b, Correlation: p1, Distribution: Distribution{Kind: DistributionKind(dist % uint8(Samples))}},
			Duplicate: Chance{p2, p3},
			Corrupt:   Chance{p3, p1},
			Reorder:   Reorder{Chance: Chance{P: p4}, Gap: packets},
			Rate:      Rate{bits, overhead, cell, overhead},
			Queue:     Queue{Kind: QueueKind(queue), Packets: packets, Bytes: bytes},
			Slot:      Slot{Min: b, Max: a, Packets: packets},
			MTU:       mtu,
		}
		switch s.Loss.Kind = LossKind(loss); s.Loss.Kind {
		case LossRandom:
			s.Loss.Chance = Chance{p2, p5}
		case LossGilbertElliott:
			s.Loss.P, s.Loss.R, s.Loss.OneMinusH, s.Loss.OneMinusK = p2, p3, p4, p5
		case LossState:
			s.Loss.P13, s.Loss.P31, s.Loss.P32, s.Loss.P23, s.Loss.P14 = p1, p2, p3, p4, p5
		case LossPattern:
			for bits := bits; bits > 0; bits >>= 1 {
				s.Loss.Pattern = append(s.Loss.Pattern, bits&1 == 1)
			}
		case LossList:
			for i := range uint64(64) {
				if bits>>i&1 == 1 {
					s.Loss.List = append(s.Loss.List, i+1)
				}
			}
		}
		switch s.Queue.Kind {
		case FQCoDel:
			s.Queue.Flows, s.Queue.Quantum = packets, bytes
			fallthrough
		case CoDel:
			s.Queue.Target, s.Queue.Interval = b, a
		}
		// What is out of range is left out, part by part, so that the rest
		// is still tried.
		for {
			fault := s.check()
			if fault == nil {
				break
			}
			require.NotContains(t, fault.Error(), "\n")
			switch fault.part {
			case "delay", "distribution":
				s.Delay = Delay{}
			case "loss":
				s.Loss = Loss{}
			case "duplicate":
				s.Duplicate = Chance{}
			case "corrupt":
				s.Corrupt = Chance{}
			case "reorder", "gap":
				s.Reorder = Reorder{}
			case "rate":
				s.Rate = Rate{}
			case "limit", "queue":
				s.Queue = Queue{}
			case "slot":
				s.Slot = Slot{}
			case "mtu":
				s.MTU = 0
			default:
				t.Fatal(fault)
			}
		}
		text := s.String()
		again, err := ParseShape(text)
		require.NoError(t, err, text)
		require.Equal(t, s, again, text)

		object, err := s.MarshalJSON()
		require.NoError(t, err)
		var read Shape
		require.NoError(t, read.UnmarshalJSON(object), string(object))
		require.Equal(t, s, read, string(object))
	})
}

// The time and percentage of a text are the nearest there are.
func TestValuesAreExact(t *testing.T) {
	for _, d := range []time.Duration{1, 999, 1000, 1001, 999999, 1e6, 1e6 + 1, 1e9 - 1, 1e9, 1e9 + 1, maxTime - 1, maxTime} {
		got, reason := readTime(formatTime(d))
		require.Empty(t, reason)
		require.Equal(t, d, got, formatTime(d))
	}
	for _, p := range []float64{
		1, 0.5, 0.1, 0.07, 0.29, 0.57, 1.0 / 3, math.Nextafter(1, 0), math.Nextafter(0.01, 0), 1e-7, 1e-9, math.SmallestNonzeroFloat64,
	} {
		got, reason := readPercent(formatPercent(p))
		require.Empty(t, reason)
		require.Equal(t, p, got, formatPercent(p))
	}
	require.Equal(t, "7%", formatPercent(0.07)) // 0.07*100 is 7.000000000000001
	require.Equal(t, "33.33333333333333%", formatPercent(1.0/3))
	require.Equal(t, "0.00001%", formatPercent(1e-7))
	require.Equal(t, "1e-8%", formatPercent(1e-10))
}
