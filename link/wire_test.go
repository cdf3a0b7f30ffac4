package link_test

import (
	"encoding/hex"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
	"strata/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a host that keeps what it is handed.
type sink struct {
	mu      sync.Mutex
	packets []string
	came    chan struct{}
	onEach  func()
}

func newSink() *sink { return &sink{came: make(chan struct{}, 1000)} }

func (s *sink) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	v := pkt.ToView()
	s.mu.Lock()
	s.packets = append(s.packets, string(v.AsSlice()))
	s.mu.Unlock()
	v.Release()
	if s.onEach != nil {
		s.onEach()
	}
	s.came <- struct{}{}
}

func (s *sink) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

func send(t *testing.T, ep gstack.LinkEndpoint, payloads ...string) {
	t.Helper()
	var list gstack.PacketBufferList
	for _, p := range payloads {
		pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData([]byte(p))})
		pkt.NetworkProtocolNumber = ip4
		list.PushBack(pkt)
	}
	n, err := ep.WritePackets(list)
	require.Nil(t, err)
	require.Equal(t, len(payloads), n)
	list.DecRef()
}

func TestWireKeepsOrderAndCounts(t *testing.T) {
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	s := newSink()
	w.B().Attach(s)
	var want []string
	for i := range 500 {
		p := string(rune('a' + i%26))
		want = append(want, p)
		send(t, w.A(), p)
	}
	for range want {
		<-s.came
	}
	require.Equal(t, want, s.packets)
	w.Close() // after which the counters rest
	c := w.AB().Counters()
	require.EqualValues(t, 500, c.Packets)
	require.EqualValues(t, 500, c.Bytes)
	require.EqualValues(t, 500, c.Delivered)
	require.Zero(t, c.UnderWayBytes)
	require.Zero(t, w.BA().Counters().Packets, "the other direction is another")
}

// A queue that is full drops what comes, and says so; what it took arrives.
func TestQueueIsBounded(t *testing.T) {
	w := link.NewWire(link.WireConfig{QueueBytes: 30})
	defer w.Close()
	s := newSink()
	began, gate := make(chan struct{}, 3), make(chan struct{})
	s.onEach = func() { began <- struct{}{}; <-gate }
	w.B().Attach(s)
	go send(t, w.A(), "first 10 b") // is being delivered until the gate opens
	<-began
	send(t, w.A(), "second ten", "third tenb", "does not fit")
	require.EqualValues(t, 1, w.AB().Counters().DroppedFull)
	require.Equal(t, 30, w.AB().Counters().MaxUnderWayBytes)
	close(gate)
	for range 3 {
		<-s.came
	}
	require.Equal(t, []string{"first 10 b", "second ten", "third tenb"}, s.packets)
}

func TestNobodyThereAndCut(t *testing.T) {
	w := link.NewWire(link.WireConfig{})
	send(t, w.A(), "to nobody")
	require.Eventually(t, func() bool { return w.AB().Counters().DroppedDetached == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, w.Close())
	send(t, w.A(), "into a cut wire")
	require.EqualValues(t, 1, w.AB().Counters().DroppedClosed)
	require.NoError(t, w.Close(), "a second time")
}

// A delivery may send on the same wire: that is what an echo reply is.
func TestDeliveryMayAnswer(t *testing.T) {
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	a, b := newSink(), newSink()
	w.A().Attach(a)
	w.B().Attach(b)
	b.onEach = func() { send(t, w.B(), "pong") }
	send(t, w.A(), "ping")
	<-a.came
	require.Equal(t, []string{"pong"}, a.packets)
}

// In virtual time the loop decides when a packet arrives: nothing may be
// delivered but by it.
func TestDeliveryIsTheLoops(t *testing.T) {
	loop := &manualLoop{Loop: clock.Real()}
	w := link.NewWire(link.WireConfig{Loop: loop})
	defer w.Close()
	s := newSink()
	w.B().Attach(s)
	send(t, w.A(), "one")
	send(t, w.A(), "two")
	require.Empty(t, s.packets)
	require.Len(t, loop.due, 1, "one call drains both")
	loop.due[0]()
	require.Equal(t, []string{"one", "two"}, s.packets)
}

type manualLoop struct {
	clock.Loop
	due []func()
}

func (l *manualLoop) At(_ time.Time, f func()) clock.Timer { l.due = append(l.due, f); return nil }

func TestTap(t *testing.T) {
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	tap := link.NewTap(w.A())
	here, there := newSink(), newSink()
	tap.Attach(here)
	w.B().Attach(there)

	var seen []string
	stop := tap.Listen(func(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		p := string(link.AppendPacket(nil, pkt, false))
		seen = append(seen, dir.String()+" "+p)
		return p != "secret"
	})
	later := 0
	tap.Listen(func(trace.Direction, *gstack.PacketBuffer, *link.View) bool { later++; return true })

	send(t, tap, "hello", "secret", "world")
	<-there.came
	<-there.came
	require.Equal(t, []string{"hello", "world"}, there.packets, "the secret was dropped")
	require.Equal(t, []string{"out hello", "out secret", "out world"}, seen)
	require.Equal(t, 2, later, "what one drops the next does not see")

	send(t, w.B(), "back")
	<-here.came
	require.Equal(t, []string{"back"}, here.packets)
	require.True(t, slices.Contains(seen, "in back"))

	stop()
	send(t, tap, "secret")
	<-there.came
	require.Len(t, seen, 4, "nobody listens there any more")
}

// The copy for a capture has the checksums that the wire in memory leaves out.
func TestAppendPacketCompletesChecksums(t *testing.T) {
	for _, p := range packets {
		b, err := hex.DecodeString(p.hex)
		require.NoError(t, err)
		var v link.View
		if !v.Parse(p.proto, b) || v.TCP == nil && v.UDP == nil {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			if v.UDP != nil {
				v.UDP.SetChecksum(1) // 0 would say that there is none
			}
			pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
			defer pkt.DecRef()
			require.Equal(t, append([]byte("x"), b...), link.AppendPacket([]byte("x"), pkt, false), "as it is")

			whole := link.AppendPacket([]byte("x"), pkt, true)[1:]
			var done link.View
			require.True(t, done.Parse(p.proto, whole))
			segment := whole[len(whole)-done.PayloadLen-len(done.TCP)-len(done.UDP):]
			var src, dst tcpip.Address
			if done.IPv4 != nil {
				src, dst = done.IPv4.SourceAddress(), done.IPv4.DestinationAddress()
			} else {
				src, dst = done.IPv6.SourceAddress(), done.IPv6.DestinationAddress()
			}
			sum := checksum.Checksum(segment, header.PseudoHeaderChecksum(done.Transport, src, dst, uint16(len(segment))))
			require.EqualValues(t, 0xffff, sum, "a right checksum sums to all ones (RFC 1071)")
		})
	}
}

// What the ends promise to a stack, and so what it leaves to them.
func TestOffloads(t *testing.T) {
	for _, c := range []struct {
		config link.WireConfig
		gso    gstack.SupportedGSO
		sums   gstack.LinkEndpointCapabilities
	}{
		{link.WireConfig{}, gstack.HostGSOSupported, gstack.CapabilityTXChecksumOffload | gstack.CapabilityRXChecksumOffload},
		{link.WireConfig{NoSuperPackets: true}, gstack.GSONotSupported, gstack.CapabilityTXChecksumOffload | gstack.CapabilityRXChecksumOffload},
		{link.WireConfig{NoOffload: true}, gstack.GSONotSupported, 0},
	} {
		w := link.NewWire(c.config)
		require.Equal(t, c.gso, w.A().SupportedGSO())
		require.Equal(t, c.sums, w.B().Capabilities())
		require.NoError(t, w.Close())
	}
}
