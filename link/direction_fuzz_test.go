package link_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// dice reads a test case: each part of it takes what it needs of the bytes, and
// zeros where there are none left.
type dice []byte

func (d *dice) next(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := int((*d)[0])
	*d = (*d)[1:]
	return b % n
}

func (d *dice) chance() link.Chance {
	return link.Chance{P: float64(d.next(5)) / 4, Correlation: float64(d.next(3)) / 2}
}

func (d *dice) time() time.Duration {
	return []time.Duration{0, 1, 999, time.Microsecond, 77 * time.Microsecond, ms, 9 * ms, time.Second, 40 * time.Second}[d.next(9)]
}

// shape is any that is valid, or the empty one.
func (d *dice) shape() link.Shape {
	var s link.Shape
	has := d.next(256)
	if has&1 != 0 {
		s.Delay = link.Delay{Time: d.time(), Jitter: d.time(), Correlation: float64(d.next(3)) / 2}
		s.Delay.Distribution = link.Distribution{Kind: link.DistributionKind(d.next(5)), Table: []float64{-4, 0, 4}}
	}
	if has&2 != 0 {
		s.Loss = link.Loss{
			Kind: link.LossKind(d.next(6)), Chance: d.chance(),
			P: float64(d.next(4)) / 3, R: float64(d.next(4)) / 3, OneMinusH: 1,
			P13: 0.3, P31: 0.3, P32: float64(d.next(3)) / 3, P23: 0.5, P14: 0.1,
			Pattern: []bool{d.next(2) == 0, true, false}, List: []uint64{1, 5, 9},
		}
	}
	if has&4 != 0 {
		s.Duplicate, s.Corrupt = d.chance(), d.chance()
	}
	if has&8 != 0 {
		s.Reorder = link.Reorder{Chance: d.chance(), Gap: d.next(5)}
	}
	if has&16 != 0 {
		s.Rate = link.Rate{Bits: []uint64{1, 9600, 1_000_003, 1e9, 1e12}[d.next(5)], PacketOverhead: d.next(100) - 50, CellSize: d.next(2) * 53}
	} else if has&32 != 0 {
		s.Trace = &link.DeliveryTrace{At: []uint32{uint32(d.next(3)), 5, 5, uint32(5 + d.next(200))}}
	}
	if has&64 != 0 {
		s.Queue = link.Queue{Kind: link.QueueKind(d.next(4)), Packets: d.next(20), Bytes: d.next(2) * 5000}
	}
	if has&128 != 0 {
		s.Slot = link.Slot{Min: d.time(), Packets: d.next(4), Bytes: d.next(3) * 1500}
		s.Slot.Max = s.Slot.Min + d.time()
		s.MTU = d.next(2) * 900
	}
	if s.Validate() != nil {
		return link.Shape{}
	}
	return s
}

// Whatever shapes follow each other and whatever is sent: every packet is
// counted once, wherever it is; a flow's packets arrive in their order unless
// reordering was asked for; and each direction
// asks for one event at a time.
func FuzzDirection(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 5, 5, 1, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0})
	f.Add([]byte{31, 6, 6, 1, 2, 2, 1, 0, 0, 0, 1, 2, 0, 1, 1, 1, 2, 1, 3, 40, 1, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 7, 3, 0, 4, 5, 6})
	f.Add([]byte{80, 2, 60, 0, 3, 4, 1, 0, 9, 1, 0, 9, 2, 0, 9, 3, 0, 9, 1, 0, 9, 2, 9, 80, 2, 10, 0, 0, 5, 0, 0, 0, 9, 1})
	f.Add([]byte{160, 1, 20, 5, 2, 1, 5, 1, 0, 0, 9, 0, 0, 8, 0, 1, 9, 10, 0, 0, 1, 11, 0, 9, 1, 12, 13})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := dice(b)
		s := d.shape()
		l := newLine(t, s, func(c *link.WireConfig) { c.QueueBytes = 20_000 })
		inOrder := s.Reorder.Chance.P == 0
		last := map[uint16]uint32{}
		corrupting := s.Corrupt.P > 0
		count := func() {
			c := l.AB().Counters()
			whole(t, c)
			require.LessOrEqual(t, c.UnderWayBytes, 20_000)
			require.GreaterOrEqual(t, c.UnderWay, c.Queued)
			require.GreaterOrEqual(t, min(c.Queued, c.QueuedBytes, c.UnderWayBytes), 0)
			require.LessOrEqual(t, l.virtual.most, 1)
		}
		l.far.each = func(p []byte) {
			var v link.View
			if corrupting || !v.Parse(ip4, p) || v.UDP == nil {
				return
			}
			mark := l.far.got[len(l.far.got)-1].mark
			if flow := v.UDP.SourcePort(); inOrder {
				require.GreaterOrEqual(t, mark, last[flow])
				last[flow] = mark
			}
		}
		for mark := uint32(1); len(d) > 0 && mark < 300; mark++ {
			switch d.next(14) {
			default:
				l.put(t, datagram(mark, 40+d.next(15)*100, uint16(d.next(3))))
			case 6:
				l.run(l.since() + d.time())
			case 7:
				s := d.shape()
				inOrder, corrupting = inOrder && s.Reorder.Chance.P == 0, corrupting || s.Corrupt.P > 0
				require.NoError(t, l.AB().Set(s))
			case 8:
				l.AB().Down()
			case 9:
				l.AB().Up()
			case 10:
				l.AB().Blackhole(d.next(2) == 0)
			case 11:
				verdict := []link.Verdict{link.Drop, link.Duplicate, link.Reset, link.Mark}[d.next(4)]
				defer l.Wire.Rule(link.Nth(d.next(5), link.UDP, verdict)).Release()
			case 12:
				inOrder = false
				l.Wire.Rule(link.Nth(1+d.next(5), link.UDP, link.DelayBy(d.time())))
			case 13:
				if d.next(8) == 0 {
					l.Wire.Close()
				}
			}
			count()
		}
		l.rest()
		count()
		c := l.AB().Counters()
		require.Zero(t, c.UnderWay)
		require.EqualValues(t, len(l.far.got), c.Delivered)
	})
}
