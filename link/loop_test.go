package link_test

import (
	"container/heap"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
)

// virtual is a loop of virtual time: one queue of events by (time, order of
// asking), which the test runs.
type virtual struct {
	mu     sync.Mutex
	now    time.Time
	events eventQueue
	asked  uint64
	most   int // events asked for at once, ever
}

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func newVirtual() *virtual { return &virtual{now: epoch} }

func (l *virtual) Now() time.Time { l.mu.Lock(); defer l.mu.Unlock(); return l.now }

// since is the time since the beginning.
func (l *virtual) since() time.Duration { return l.Now().Sub(epoch) }

func (l *virtual) Touch(clock.Settler) {}

func (l *virtual) At(t time.Time, f func()) clock.Timer {
	e := &virtualEvent{loop: l, f: f, index: -1}
	e.Reset(t)
	return e
}

// run runs what is due until d after the beginning; then it is that time.
func (l *virtual) run(d time.Duration) {
	until := epoch.Add(d)
	for {
		l.mu.Lock()
		if len(l.events) == 0 || l.events[0].at.After(until) {
			l.now = until
			l.mu.Unlock()
			return
		}
		e := heap.Pop(&l.events).(*virtualEvent)
		l.now = e.at
		l.mu.Unlock()
		e.f()
	}
}

// rest runs everything there is.
func (l *virtual) rest() {
	for {
		l.mu.Lock()
		if len(l.events) == 0 {
			l.mu.Unlock()
			return
		}
		d := l.events[0].at.Sub(epoch)
		l.mu.Unlock()
		l.run(d)
	}
}

type virtualEvent struct {
	loop  *virtual
	f     func()
	at    time.Time
	order uint64
	index int
}

func (e *virtualEvent) Stop() bool {
	l := e.loop
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.index < 0 {
		return false
	}
	heap.Remove(&l.events, e.index)
	return true
}

func (e *virtualEvent) Reset(t time.Time) {
	l := e.loop
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.index >= 0 {
		heap.Remove(&l.events, e.index)
	}
	if t.Before(l.now) {
		t = l.now
	}
	l.asked++
	e.at, e.order = t, l.asked
	heap.Push(&l.events, e)
	l.most = max(l.most, len(l.events))
}

type eventQueue []*virtualEvent

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].order < q[j].order
}
func (q eventQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *eventQueue) Push(x any) {
	e := x.(*virtualEvent)
	e.index = len(*q)
	*q = append(*q, e)
}
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	e.index = -1
	return e
}

// arrived is one packet as the far end got it.
type arrived struct {
	at   time.Duration
	mark uint32 // what the test wrote into it
	size int
}

// far is the host at the far end of a direction in virtual time.
type far struct {
	loop *virtual
	got  []arrived
	each func(b []byte) // nil, or told of each packet
}

func (f *far) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	a := arrived{at: f.loop.since(), size: pkt.Size()}
	if b, ok := pkt.Data().PullUp(min(pkt.Data().Size(), markedAt+4)); ok && len(b) == markedAt+4 {
		a.mark = binary.BigEndian.Uint32(b[markedAt:])
	}
	f.got = append(f.got, a)
	if f.each != nil {
		v := pkt.Data().AsRange().ToView()
		f.each(v.AsSlice())
		v.Release()
	}
}

func (f *far) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

func (f *far) marks() []uint32 {
	marks := make([]uint32, 0, len(f.got))
	for _, a := range f.got {
		marks = append(marks, a.mark)
	}
	return marks
}

// line is a wire in virtual time, of which the test uses the direction from A.
type testLine struct {
	*link.Wire
	*virtual
	far  *far // B's
	back *far // A's
}

func newLine(t testing.TB, ab link.Shape, change ...func(*link.WireConfig)) *testLine {
	t.Helper()
	l := newVirtual()
	c := link.WireConfig{Loop: l, AB: ab, Seed: 1}
	for _, f := range change {
		f(&c)
	}
	w := link.NewWire(c)
	line := &testLine{w, l, &far{loop: l}, &far{loop: l}}
	w.A().Attach(line.back)
	w.B().Attach(line.far)
	t.Cleanup(func() { w.Close() })
	return line
}

const markedAt = header.IPv4MinimumSize + header.UDPMinimumSize

// datagram is a UDP packet of size bytes with a mark in it; flow is its source
// port.
func datagram(mark uint32, size int, flow uint16) []byte {
	b := make([]byte, max(size, markedAt+4))
	header.IPv4(b).Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.UDPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
	})
	header.IPv4(b).SetChecksum(^header.IPv4(b).CalculateChecksum())
	header.UDP(b[header.IPv4MinimumSize:]).Encode(&header.UDPFields{SrcPort: flow, DstPort: 7, Length: uint16(len(b) - header.IPv4MinimumSize)})
	binary.BigEndian.PutUint32(b[markedAt:], mark)
	return b
}

// packet is b as a host sends it.
func packet(b []byte) *gstack.PacketBuffer {
	p := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	p.NetworkProtocolNumber = ip4
	if len(b) > 0 && b[0]>>4 == 6 {
		p.NetworkProtocolNumber = ip6
	}
	return p
}

// put sends a packet from A.
func (l *testLine) put(t testing.TB, b []byte) { putAt(t, l.Wire.A(), b) }

func putAt(t testing.TB, end *link.End, b []byte) {
	t.Helper()
	var list gstack.PacketBufferList
	list.PushBack(packet(b))
	_, err := end.WritePackets(list)
	require.Nil(t, err)
	list.DecRef()
}

// feed sends n packets of size bytes, gap apart, with the marks 1 to n, and lets
// them arrive.
func (l *testLine) feed(t testing.TB, n, size int, gap time.Duration) {
	t.Helper()
	begin := l.since()
	for i := range n {
		l.run(begin + time.Duration(i)*gap)
		l.put(t, datagram(uint32(i+1), size, 1))
	}
	l.rest()
}

// whole says that no packet is unaccounted for.
func whole(t testing.TB, c link.Counters) {
	t.Helper()
	require.Equal(t, c.Packets+c.Duplicated+c.Injected, c.Delivered+c.Dropped()+uint64(c.UnderWay), "%+v", c)
}

func shape(t testing.TB, text string) link.Shape {
	t.Helper()
	s, err := link.ParseShape(text)
	require.NoError(t, err)
	return s
}

// tcpPacket is a TCP segment as gVisor hands it to a link: each header in its
// place.
func tcpPacket(port uint16, seq uint32, data []byte) *gstack.PacketBuffer {
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{
		ReserveHeaderBytes: header.IPv4MinimumSize + header.TCPMinimumSize,
		Payload:            buffer.MakeWithData(data),
	})
	header.TCP(pkt.TransportHeader().Push(header.TCPMinimumSize)).Encode(&header.TCPFields{
		SrcPort: port, DstPort: 80, SeqNum: seq, AckNum: 1, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagAck, WindowSize: 500,
	})
	pkt.NetworkProtocolNumber = ip4
	ip := header.IPv4(pkt.NetworkHeader().Push(header.IPv4MinimumSize))
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(pkt.Size()), TTL: 9, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	return pkt
}
