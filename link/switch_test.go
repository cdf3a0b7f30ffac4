package link_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
)

// hands is a clock whose hands the test moves.
type hands struct {
	clock.Loop // nil: a switch asks for the time and nothing else
	now        time.Time
}

func (h *hands) Now() time.Time { return h.now }

// Stations, and groups.
const (
	alice = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x0a")
	bob   = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x0b")
	carol = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x0c")

	everybody  = header.EthernetBroadcastAddress
	allNodes   = tcpip.LinkAddress("\x33\x33\x00\x00\x00\x01") // IPv6's (RFC 2464 §7)
	neighbours = tcpip.LinkAddress("\x01\x80\xc2\x00\x00\x00") // spanning tree's
)

// lan is a switch with jacks in its ports.
type lan struct {
	t     *testing.T
	time  *hands
	sw    *link.Switch
	jacks []*jack
	ports []*link.Port
}

func newLAN(t *testing.T, ports int, c link.SwitchConfig) *lan {
	l := &lan{t: t, time: &hands{now: time.Unix(1e9, 0)}}
	c.Loop = l.time
	l.sw = link.NewSwitch(c)
	t.Cleanup(func() { l.sw.Close() })
	for range ports {
		j := &jack{tap: true, address: alice}
		l.jacks = append(l.jacks, j)
		l.ports = append(l.ports, l.sw.Attach(j))
	}
	return l
}

// send sends a frame into a port, and gives the ports by which it left.
func (l *lan) send(port int, src, dst tcpip.LinkAddress) []int {
	l.t.Helper()
	f := frame(dst, src, header.IPv4ProtocolNumber, ip4TCP([]byte(src), false))
	require.True(l.t, l.jacks[port].deliver(f, gstack.GSO{}))
	out := []int{}
	for i, j := range l.jacks {
		for _, w := range j.take() {
			require.Equal(l.t, string(f), w.b, "byte for byte")
			require.Equal(l.t, 14, w.l2)
			out = append(out, i)
		}
	}
	return out
}

// A frame for who was not heard yet goes everywhere but back; the answer tells
// where both are.
func TestSwitchLearns(t *testing.T) {
	l := newLAN(t, 4, link.SwitchConfig{})
	require.Empty(t, l.jacks[0].LinkAddress(), "a port is no station")
	require.Equal(t, []int{1, 2, 3}, l.send(0, alice, bob))
	require.Equal(t, []int{0}, l.send(2, bob, alice))
	require.Equal(t, []int{2}, l.send(0, alice, bob))
	require.Equal(t, 2, l.sw.Stations())

	// Carol is behind Bob's port, as behind another switch there: what they say
	// to each other stays there.
	require.Equal(t, []int{0}, l.send(2, carol, alice))
	require.Empty(t, l.send(2, bob, carol))

	// Who moves to another port is found there from the first frame on.
	require.Equal(t, []int{0}, l.send(3, bob, alice))
	require.Equal(t, []int{3}, l.send(0, alice, bob))

	// Two came from Alice for Bob, and one for each who sent to her.
	c := l.ports[0].Counters()
	require.EqualValues(t, 3, c.InPackets)
	require.EqualValues(t, 1, c.InFlooded)
	require.EqualValues(t, 3, c.Out.Packets)
	require.EqualValues(t, 1, l.ports[2].Counters().InFiltered)
}

func TestSwitchFloodsGroups(t *testing.T) {
	l := newLAN(t, 3, link.SwitchConfig{})
	require.Equal(t, []int{1, 2}, l.send(0, alice, everybody), "ARP asks so")
	require.Equal(t, []int{0, 2}, l.send(1, bob, allNodes), "and neighbour discovery so")
	require.Empty(t, l.send(0, alice, neighbours), "which a switch must not pass on")
	require.EqualValues(t, 1, l.ports[0].Counters().InFiltered)
}

// The order in which a flooded frame leaves is part of a world that replays: it
// is that of Attach, also after a port was pulled and plugged in again.
func TestSwitchFloodsInOrder(t *testing.T) {
	sw := link.NewSwitch(link.SwitchConfig{})
	defer sw.Close()
	var order []int
	jacks := make([]*orderly, 20)
	var first *link.Port
	for i := range jacks {
		jacks[i] = &orderly{jack: &jack{tap: true}, n: i, order: &order}
		if p := sw.Attach(jacks[i]); i == 0 {
			first = p
		}
	}
	in := &jack{tap: true}
	sw.Attach(in)
	for range 3 {
		order = nil
		in.deliver(frame(everybody, alice, header.IPv4ProtocolNumber, ip4TCP(nil, false)), gstack.GSO{})
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, order)
	}
	require.NoError(t, first.Close())
	sw.Attach(jacks[0])
	order = nil
	in.deliver(frame(everybody, alice, header.IPv4ProtocolNumber, ip4TCP(nil, false)), gstack.GSO{})
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0}, order)
}

// orderly notes when it was written to, relative to others.
type orderly struct {
	*jack
	n     int
	order *[]int
}

func (o *orderly) WritePackets(list gstack.PacketBufferList) (int, tcpip.Error) {
	*o.order = append(*o.order, o.n)
	return list.Len(), nil
}

// Who was silent for 300 seconds is forgotten; one frame is enough to be
// remembered for as long again.
func TestSwitchForgets(t *testing.T) {
	l := newLAN(t, 3, link.SwitchConfig{})
	l.send(0, alice, everybody)
	l.send(1, bob, everybody)
	l.time.now = l.time.now.Add(299 * time.Second)
	require.Equal(t, []int{1}, l.send(0, alice, bob), "a second before")
	l.time.now = l.time.now.Add(time.Second)
	require.Equal(t, []int{1, 2}, l.send(0, alice, bob), "Bob was silent")
	require.Equal(t, []int{0}, l.send(1, bob, alice), "Alice was not")
	l.time.now = l.time.now.Add(time.Hour)
	require.Zero(t, l.sw.Stations())
}

// Whoever invents addresses fills the table and no memory; who is known stays
// known.
func TestSwitchTableIsBounded(t *testing.T) {
	l := newLAN(t, 3, link.SwitchConfig{Stations: 10, Ageing: time.Minute})
	l.send(1, bob, everybody)
	for i := range 100 {
		l.send(0, tcpip.LinkAddress([]byte{2, 1, 0, 0, 0, byte(i)}), everybody)
	}
	require.Equal(t, 10, l.sw.Stations())
	require.EqualValues(t, 91, l.ports[0].Counters().Unlearned)
	require.Equal(t, []int{1}, l.send(2, carol, bob))
	require.Equal(t, []int{0, 2}, l.send(1, bob, carol), "Carol found no room")
	l.time.now = l.time.now.Add(time.Minute)
	require.Equal(t, []int{0, 1}, l.send(2, carol, bob))
	require.Equal(t, []int{2}, l.send(1, bob, carol), "now there is")
}

func TestSwitchRefusesWhatIsNoFrame(t *testing.T) {
	l := newLAN(t, 2, link.SwitchConfig{})
	require.Empty(t, l.send(0, everybody, bob), "a group sends nothing")
	l.jacks[0].deliver([]byte("short"), gstack.GSO{})
	require.EqualValues(t, 2, l.ports[0].Counters().InMalformed)
	require.Zero(t, l.sw.Stations())
	require.Panics(t, func() { l.sw.Attach(&jack{}) }, "bare IP has no addresses to learn")
}

// Pulling a plug leaves the endpoint alone and forgets who was behind it; a
// switch that was closed has no port that works.
func TestSwitchPorts(t *testing.T) {
	l := newLAN(t, 3, link.SwitchConfig{})
	l.send(1, bob, everybody)
	require.NoError(t, l.ports[1].Close())
	require.NoError(t, l.ports[1].Close(), "a second time")
	require.False(t, l.jacks[1].IsAttached())
	require.Zero(t, l.sw.Stations())
	require.Equal(t, []int{2}, l.send(0, alice, bob))

	require.NoError(t, l.sw.Close())
	require.False(t, l.jacks[0].IsAttached())
	late := &jack{tap: true}
	l.sw.Attach(late)
	require.False(t, late.IsAttached())
}

// A super-segment that is flooded leaves each port as that port can take it.
func TestSwitchMixesOffloads(t *testing.T) {
	sw := link.NewSwitch(link.SwitchConfig{})
	defer sw.Close()
	in, plain, device := &jack{tap: true, offload: true}, &jack{tap: true}, &jack{tap: true, offload: true}
	for _, j := range []*jack{in, plain, device} {
		sw.Attach(j)
	}
	f := frame(bob, alice, header.IPv4ProtocolNumber, ip4TCP(random(t, 3*1460), true))
	in.deliver(f, superGSO)
	segments := plain.take()
	require.Len(t, segments, 3)
	for _, s := range segments {
		require.Equal(t, string(f[:14]), s.b[:14])
		requireTCPSum(t, []byte(s.b[14:]))
	}
	require.Equal(t, []written{{string(f), 14, 20, 20, superGSO, header.IPv4ProtocolNumber}}, device.take())
}

// Ports come and go while frames cross: for the race detector.
func TestSwitchIsSafeForConcurrentUse(t *testing.T) {
	sw := link.NewSwitch(link.SwitchConfig{})
	var crowd sync.WaitGroup
	for i := range 4 {
		crowd.Go(func() {
			src := tcpip.LinkAddress([]byte{2, 0, 0, 0, 0, byte(i)})
			for n := range 200 {
				j := &jack{tap: true}
				p := sw.Attach(j)
				j.deliver(frame(everybody, src, header.IPv4ProtocolNumber, ip4TCP(nil, false)), gstack.GSO{})
				j.deliver(frame(tcpip.LinkAddress([]byte{2, 0, 0, 0, 0, byte(n % 4)}), src, header.IPv4ProtocolNumber, ip4TCP(nil, false)), gstack.GSO{})
				p.Close()
			}
		})
	}
	crowd.Wait()
	require.Zero(t, sw.Stations(), "all ports are gone, and with them who was behind them")
	require.NoError(t, sw.Close())
}

func BenchmarkSwitch(b *testing.B) {
	sw := link.NewSwitch(link.SwitchConfig{})
	defer sw.Close()
	x, y := &jack{tap: true}, &void{jack: &jack{tap: true}}
	sw.Attach(x)
	sw.Attach(y)
	y.deliver(frame(alice, bob, header.IPv4ProtocolNumber, ip4TCP(nil, false)), gstack.GSO{})
	x.take()
	f := frame(bob, alice, header.IPv4ProtocolNumber, ip4TCP(make([]byte, 1460), false))
	b.SetBytes(int64(len(f)))
	b.ReportAllocs()
	for b.Loop() {
		x.deliver(f, gstack.GSO{})
	}
}
