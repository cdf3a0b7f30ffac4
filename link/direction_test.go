package link_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
)

const ms = time.Millisecond

func times(got []arrived) (at []time.Duration) {
	for _, a := range got {
		at = append(at, a.at)
	}
	return at
}

// A delay is exact, and one timer does for any number of packets.
func TestDelay(t *testing.T) {
	l := newLine(t, shape(t, "delay 50ms"))
	l.feed(t, 1000, 100, 10*time.Microsecond)
	require.Len(t, l.far.got, 1000)
	for i, a := range l.far.got {
		require.Equal(t, arrived{50*ms + time.Duration(i)*10*time.Microsecond, uint32(i + 1), 100}, a)
	}
	require.Equal(t, 1, l.virtual.most, "events asked for at once")
}

// Jitter alone keeps the order: who would overtake arrives with the one before.
func TestJitterKeepsOrder(t *testing.T) {
	for _, s := range []string{"delay 50ms 40ms", "delay 50ms 40ms 25% distribution normal", "delay 5ms 20ms distribution pareto rate 10mbit"} {
		l := newLine(t, shape(t, s))
		l.feed(t, 2000, 100, 500*time.Microsecond)
		require.True(t, slices.IsSorted(l.far.marks()))
		require.True(t, slices.IsSorted(times(l.far.got)))
		require.Zero(t, l.AB().Counters().Reordered)
		whole(t, l.AB().Counters())
		require.Equal(t, 1, l.virtual.most)
	}
}

// With a gap of 5 each fifth packet is sent at once, before the four that wait
// out their delay; with a chance, about as many as it says.
func TestReorder(t *testing.T) {
	l := newLine(t, shape(t, "delay 10ms reorder 100% gap 5"))
	l.feed(t, 20, 100, ms)
	require.Equal(t, []time.Duration{4 * ms, 9 * ms, 10 * ms, 11 * ms, 12 * ms, 13 * ms, 14 * ms}, times(l.far.got)[:7])
	require.Equal(t, []uint32{5, 10, 1, 2, 3, 4, 15}, l.far.marks()[:7], "at the same instant in the order of sending")
	require.EqualValues(t, 16, l.AB().Counters().Reordered, "all that arrived after one that was sent later")

	// 10,000 draws of 25 % have a deviation of 43.
	l = newLine(t, shape(t, "delay 10ms reorder 25%"))
	l.feed(t, 10_000, 100, 20*ms)
	early := 0
	for i, a := range l.far.got {
		if a.at == time.Duration(i)*20*ms {
			early++
		}
	}
	require.InDelta(t, 2500, early, 4*43)
}

// Reordered packets overtake the delay, not the queue for the rate.
func TestReorderWithRate(t *testing.T) {
	l := newLine(t, shape(t, "delay 100ms reorder 100% gap 3 rate 8mbit"))
	l.feed(t, 6, 1000, 0)
	require.Equal(t, []uint32{3, 6, 1, 2, 4, 5}, l.far.marks())
	require.Equal(t, []time.Duration{3 * ms, 6 * ms, 101 * ms, 102 * ms, 104 * ms, 105 * ms}, times(l.far.got))
}

// A copy follows its packet, with the same delay.
func TestDuplicate(t *testing.T) {
	l := newLine(t, shape(t, "duplicate 100% delay 1ms"))
	l.feed(t, 100, 100, 10*ms)
	c := l.AB().Counters()
	require.EqualValues(t, 100, c.Duplicated)
	require.Len(t, l.far.got, 200)
	for i := range uint32(100) {
		require.Equal(t, []uint32{i + 1, i + 1}, l.far.marks()[2*i:2*i+2])
	}
	whole(t, c)
}

// What is larger than the shape's MTU is lost on the way, and counted; the
// headers of the link do not count.
func TestMTU(t *testing.T) {
	l := newLine(t, shape(t, "mtu 1400"))
	for _, size := range []int{1400, 1401, 1500, 100} {
		l.put(t, datagram(uint32(size), size, 1))
	}
	l.rest()
	require.Equal(t, []uint32{1400, 100}, l.far.marks())
	require.EqualValues(t, 2, l.AB().Counters().DroppedMTU)
}

// Slots let packets arrive together: here every 10 ms, and three at a time.
func TestSlots(t *testing.T) {
	l := newLine(t, shape(t, "slot 10ms 10ms packets 3"))
	l.run(3 * ms)
	l.feed(t, 8, 100, ms)
	require.Equal(t, []time.Duration{10 * ms, 10 * ms, 10 * ms, 20 * ms, 20 * ms, 20 * ms, 30 * ms, 30 * ms}, times(l.far.got),
		"sent at 3 to 10 ms")
	require.Equal(t, 1, l.virtual.most)

	// Bytes bound a slot as well; one packet always fits.
	l = newLine(t, shape(t, "slot 10ms 10ms bytes 1000"))
	l.put(t, datagram(1, 1500, 1))
	for range 3 {
		l.put(t, datagram(2, 500, 1))
	}
	l.rest()
	require.Equal(t, []time.Duration{10 * ms, 20 * ms, 20 * ms, 30 * ms}, times(l.far.got))

	// Distances are drawn between two bounds, and after a pause slots begin
	// anew from what comes.
	l = newLine(t, shape(t, "slot 5ms 15ms packets 1"))
	l.feed(t, 200, 100, 0)
	at := times(l.far.got)
	for i := 1; i < len(at); i++ {
		require.GreaterOrEqual(t, at[i]-at[i-1], 5*ms)
		require.LessOrEqual(t, at[i]-at[i-1], 15*ms)
	}
	last := at[len(at)-1]
	require.InDelta(t, float64(200*10*ms), float64(last), float64(4*41*ms), "200 draws between 5 and 15 ms have a deviation of 41 ms")
	l.run(time.Hour)
	l.put(t, datagram(1, 100, 1))
	l.rest()
	at = times(l.far.got)
	require.InDelta(t, float64(10*ms), float64(at[len(at)-1]-time.Hour), float64(5*ms))
}

// A shape changes while packets are under way: these keep their times, those
// that wait for the rate leave at the new one, and nobody overtakes.
func TestSetKeepsWhatIsUnderWay(t *testing.T) {
	l := newLine(t, shape(t, "delay 100ms"))
	send := func(at time.Duration, mark uint32) { l.run(at); l.put(t, datagram(mark, 1000, 1)) }
	send(0, 1)
	send(50*ms, 2)
	require.NoError(t, l.AB().Set(shape(t, "delay 10ms")))
	send(60*ms, 3) // would arrive at 70
	send(145*ms, 4)
	require.NoError(t, l.AB().Set(link.Shape{}))
	send(146*ms, 5) // on a perfect wire, but behind those
	l.run(400 * ms)
	send(400*ms, 6)
	l.rest()
	require.Equal(t, []uint32{1, 2, 3, 4, 5, 6}, l.far.marks())
	require.Equal(t, []time.Duration{100 * ms, 150 * ms, 150 * ms, 155 * ms, 155 * ms, 400 * ms}, times(l.far.got))

	l = newLine(t, shape(t, "rate 8mbit delay 10ms"))
	for i := range uint32(5) {
		l.put(t, datagram(i, 1000, 1))
	}
	l.run(1500 * time.Microsecond) // the second is being sent
	require.NoError(t, l.AB().Set(shape(t, "rate 80mbit delay 1ms")))
	l.rest()
	require.Equal(t, []time.Duration{11_000, 12_000, 12_100, 12_200, 12_300}, microseconds(l.far.got),
		"with the delay that they were given, and faster after what has begun to leave")

	l = newLine(t, shape(t, "rate 8mbit"))
	for i := range uint32(5) {
		l.put(t, datagram(i, 1000, 1))
	}
	require.NoError(t, l.AB().Set(link.Shape{}))
	l.rest()
	require.Equal(t, []time.Duration{1000, 1000, 1000, 1000, 1000}, microseconds(l.far.got), "without a rate nobody waits but for who is first")
	require.Zero(t, l.AB().Counters().Queued)
}

// A packet of which a trace has sent a part goes on when the trace ends.
func TestTraceEndsUnderWay(t *testing.T) {
	l := newLine(t, link.Shape{Trace: &link.DeliveryTrace{At: []uint32{10}}}, func(c *link.WireConfig) { c.MTU = 4000 })
	l.put(t, datagram(1, 4000, 1))
	l.put(t, datagram(2, 100, 1))
	l.run(15 * ms)
	require.NoError(t, l.AB().Set(shape(t, "delay 1ms")))
	l.rest()
	require.Equal(t, []uint32{1, 2}, l.far.marks())
	require.Equal(t, []time.Duration{15 * ms, 15 * ms}, times(l.far.got), "with the delay of when they were sent: none")
}

func TestDownLosesAndBlackholeSwallows(t *testing.T) {
	l := newLine(t, shape(t, "rate 8mbit delay 10ms"))
	for i := range uint32(5) {
		l.put(t, datagram(i, 1000, 1))
	}
	l.run(13500 * time.Microsecond) // three have arrived, two are under way
	l.AB().Down()
	l.put(t, datagram(9, 1000, 1))
	require.Empty(t, l.virtual.events, "nothing to wait for")
	l.run(20 * ms)
	l.AB().Up()
	l.put(t, datagram(6, 1000, 1))
	l.rest()
	require.Equal(t, []uint32{0, 1, 2, 6}, l.far.marks())
	require.Equal(t, 31*ms, l.far.got[3].at, "behind nothing")
	c := l.AB().Counters()
	require.EqualValues(t, 3, c.DroppedDown)
	whole(t, c)

	l.put(t, datagram(7, 1000, 1))
	l.AB().Blackhole(true)
	l.put(t, datagram(8, 1000, 1))
	l.run(l.since() + 20*ms)
	l.AB().Blackhole(false)
	l.put(t, datagram(9, 1000, 1))
	l.rest()
	require.Equal(t, []uint32{7, 9}, l.far.marks()[4:], "what was under way arrives")
	require.EqualValues(t, 1, l.AB().Counters().DroppedBlackhole)
	require.Zero(t, l.BA().Counters().Packets)

	// Of a perfect wire too, and both ways.
	l = newLine(t, link.Shape{})
	l.put(t, datagram(1, 100, 1))
	l.Wire.Down()
	putAt(t, l.Wire.B(), datagram(1, 100, 1))
	l.rest()
	require.Empty(t, l.far.got)
	require.Empty(t, l.back.got)
	require.EqualValues(t, 1, l.AB().Counters().DroppedDown)
	require.EqualValues(t, 1, l.BA().Counters().DroppedDown)
	l.Wire.Up()
	l.Wire.Blackhole(true)
	l.put(t, datagram(1, 100, 1))
	l.Wire.Blackhole(false)
	l.put(t, datagram(2, 100, 1))
	l.rest()
	require.Equal(t, []uint32{2}, l.far.marks())
}

func TestSetRefusesNonsense(t *testing.T) {
	l := newLine(t, shape(t, "delay 1ms"), func(c *link.WireConfig) { c.Name = "phone-server" })
	err := l.BA().Set(link.Shape{MTU: -1})
	require.EqualError(t, err, "wire phone-server from B to A: shape: mtu: not between 68 and 65535")
	require.Error(t, l.Wire.Set(shape(t, "delay 2ms"), link.Shape{MTU: -1}))
	require.Equal(t, "delay 1ms", l.AB().Shape().String(), "neither direction has changed")
	require.NoError(t, l.Wire.Set(shape(t, "delay 2ms"), shape(t, "loss 1%")))
	require.Equal(t, "delay 2ms", l.AB().Shape().String())
	require.Equal(t, "loss 1%", l.BA().Shape().String())
	require.PanicsWithValue(t, "link.NewWire: wire from A to B: shape: mtu: not between 68 and 65535", func() {
		link.NewWire(link.WireConfig{AB: link.Shape{MTU: -1}})
	})
}

// A shape is a value: what its slices hold later is not the wire's business.
func TestShapeIsCopied(t *testing.T) {
	s := shape(t, "delay 1ms")
	s.Loss = link.Loss{Kind: link.LossPattern, Pattern: []bool{false}}
	l := newLine(t, s)
	s.Loss.Pattern[0] = true
	l.AB().Shape().Loss.Pattern[0] = true
	l.feed(t, 5, 100, ms)
	require.Len(t, l.far.got, 5)
}

// Closing a wire counts what is on it, and asks for nothing more.
func TestCloseUnderWay(t *testing.T) {
	for _, s := range []string{"delay 10ms", "rate 1mbit delay 5ms", "slot 10ms 10ms packets 2"} {
		l := newLine(t, shape(t, s))
		for i := range uint32(5) {
			l.put(t, datagram(i, 100, 1))
		}
		require.NoError(t, l.Wire.Close())
		l.put(t, datagram(6, 100, 1))
		require.Empty(t, l.virtual.events)
		l.rest()
		require.Empty(t, l.far.got)
		c := l.AB().Counters()
		require.EqualValues(t, 6, c.DroppedClosed)
		require.Zero(t, c.UnderWay+c.UnderWayBytes+c.Queued)
		whole(t, c)
	}
}

// fateGap is so long that no packet waits for the one before.
const fateGap = 50 * ms

// fates are the packets of a feed that arrived, and when.
func fates(t *testing.T, s link.Shape, change ...func(*link.WireConfig)) []arrived {
	l := newLine(t, s, change...)
	l.feed(t, 3000, 200, fateGap)
	whole(t, l.AB().Counters())
	return l.far.got
}

// The same seed is the same fates, to the nanosecond; another seed, name or
// direction is others.
func TestSeedDecides(t *testing.T) {
	s := shape(t, "delay 20ms 10ms 30% distribution normal loss gemodel 2% 20% duplicate 1% corrupt 1% reorder 5% 10% rate 1mbit limit 10")
	seed := func(n uint64) func(*link.WireConfig) { return func(c *link.WireConfig) { c.Seed = n } }
	name := func(n string) func(*link.WireConfig) { return func(c *link.WireConfig) { c.Name = n } }
	want := fates(t, s, seed(7), name("a-b"))
	require.True(t, slices.Equal(want, fates(t, s, seed(7), name("a-b"))))
	require.False(t, slices.Equal(want, fates(t, s, seed(8), name("a-b"))))
	require.False(t, slices.Equal(want, fates(t, s, seed(7), name("a-c"))))
	// The other direction of the same wire.
	l := newLine(t, s, seed(7), name("a-b"), func(c *link.WireConfig) { c.BA = s })
	for i := range 3000 {
		l.run(time.Duration(i) * fateGap)
		putAt(t, l.Wire.B(), datagram(uint32(i+1), 200, 1))
	}
	l.rest()
	require.False(t, slices.Equal(want, l.back.got))
}

// Turning one fault on moves no draw of another: the same packets are lost, and
// each that is not touched by the new fault has the same time under way.
func TestFaultsAreIndependent(t *testing.T) {
	base := "delay 20ms 5ms 20% loss gemodel 3% 30%"
	first := func(got []arrived) map[uint32]arrived { // of each packet, its first copy
		m := map[uint32]arrived{}
		for _, a := range got {
			if _, ok := m[a.mark]; !ok {
				m[a.mark] = a
			}
		}
		return m
	}
	want := first(fates(t, shape(t, base)))
	require.Less(t, len(want), 2900)
	for _, other := range []string{"duplicate 10%", "duplicate 10% 50%", "slot 1ns 1ns", "rate 1gbit limit 5", "mtu 1500"} {
		got := first(fates(t, shape(t, base+" "+other)))
		require.Equal(t, len(want), len(got), other)
		for mark, a := range want {
			require.InDelta(t, float64(a.at), float64(got[mark].at), float64(2*time.Microsecond), "%s: packet %d", other, mark)
		}
	}
	// Corruption may hit the mark itself; but when packets arrive it cannot move.
	require.True(t, slices.Equal(times(fates(t, shape(t, base))), times(fates(t, shape(t, base+" corrupt 100%")))))

	// Loss does not move what duplicates, nor the delay; and rules move nothing.
	alone := fates(t, shape(t, "delay 20ms 5ms 20% duplicate 10% 40%"))
	both := newLine(t, shape(t, "delay 20ms 5ms 20% duplicate 10% 40% loss 20% 30%"))
	both.AB().Rule(link.DropNumbers(5, 6, 7, 1000))
	both.feed(t, 3000, 200, fateGap)
	left := map[uint32]bool{5: false, 6: false, 7: false}
	for _, m := range both.far.marks() {
		left[m] = true
	}
	var want2 []arrived
	for _, a := range alone {
		if left[a.mark] {
			want2 = append(want2, a)
		}
	}
	require.True(t, slices.Equal(want2, both.far.got))
}

// Shapes change, rules come and go, the wire is perfect and is not, while
// several hosts' worth of goroutines send super-packets and single ones: in real
// time nothing is lost, and each sender's packets arrive in their order.
func TestSwitchingUnderTraffic(t *testing.T) {
	const senders, each = 3, 400
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	got := &tcpOrder{next: map[uint16]uint32{}, all: make(chan struct{}), want: senders * each * 3000}
	w.B().Attach(got)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			data := make([]byte, 3000)
			for i := range each {
				pkt := tcpPacket(uint16(s), uint32(i*3000), data)
				pkt.GSOOptions = gstack.GSO{Type: gstack.GSOTCPv4, MSS: 1000}
				var list gstack.PacketBufferList
				list.PushBack(pkt)
				_, err := w.A().WritePackets(list)
				list.DecRef()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	wg.Go(func() {
		shapes := []link.Shape{{}, shape(t, "delay 100us"), shape(t, "rate 1gbit limit 100000"), {}, shape(t, "delay 200us 100us slot 50us 50us packets 20"), shape(t, "queue fq_codel limit 100000 rate 2gbit")}
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := w.AB().Set(shapes[i%len(shapes)]); err != nil {
				t.Error(err)
			}
			guard := w.Rule(func(*link.View) link.Verdict { return link.Pass })
			_ = w.AB().Counters()
			guard.Release()
		}
	})
	<-got.all
	close(stop)
	wg.Wait()
	require.NoError(t, w.Close())
	require.Empty(t, got.wrong)
	c := w.AB().Counters()
	require.EqualValues(t, senders*each*3, c.Packets, "3000 bytes are three packets, whole or cut")
	require.EqualValues(t, senders*each*3, c.Delivered, "%+v", c)
}

// tcpOrder is a host that sees to it that each flow's bytes come in order.
type tcpOrder struct {
	mu    sync.Mutex
	next  map[uint16]uint32
	bytes int
	want  int
	wrong []string
	all   chan struct{}
}

func (o *tcpOrder) DeliverNetworkPacket(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	view := pkt.ToView()
	defer view.Release()
	var v link.View
	v.Parse(proto, view.AsSlice())
	o.mu.Lock()
	defer o.mu.Unlock()
	flow := v.TCP.SourcePort()
	if seq := v.TCP.SequenceNumber(); seq != o.next[flow] {
		o.wrong = append(o.wrong, fmt.Sprintf("flow %d: %d, not %d", flow, seq, o.next[flow]))
	}
	o.next[flow] += uint32(v.PayloadLen)
	if o.bytes += v.PayloadLen; o.bytes == o.want {
		close(o.all)
	}
}

func (o *tcpOrder) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}
