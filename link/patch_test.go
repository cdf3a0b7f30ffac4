package link_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
)

// What a kernel says of a super-segment and of a single segment.
var (
	superGSO   = gstack.GSO{Type: gstack.GSOTCPv4, NeedsCsum: true, CsumOffset: 16, MSS: 1460, L3HdrLen: 20, MaxSize: 65535}
	partialGSO = gstack.GSO{Type: gstack.GSOTCPv4, NeedsCsum: true, CsumOffset: 16, L3HdrLen: 20, MaxSize: 65535}
)

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return b
}

// Each way, in order, byte for byte.
func TestPatchPassesBothWays(t *testing.T) {
	x, y := &jack{}, &jack{}
	cord := link.Patch(x, y)
	defer cord.Close()
	var ab, ba []string
	for i := range 100 {
		p := ip4TCP([]byte{byte(i)}, false)
		ab = append(ab, string(p))
		require.True(t, x.deliver(p, gstack.GSO{}))
		p = ip6UDP([]byte{byte(i)}, true)
		ba = append(ba, string(p))
		require.True(t, y.deliver(p, gstack.GSO{}))
	}
	require.Equal(t, ab, y.frames())
	require.Equal(t, ba, x.frames())
	require.Equal(t, link.CordCounters{Packets: 100, Bytes: 4100}, cord.XY())
	require.Equal(t, link.CordCounters{Packets: 100, Bytes: 4900}, cord.YX())
}

// Frames keep their header, and the endpoints' own addresses go: a cord takes
// the frames for all stations.
func TestPatchKeepsTheLinkHeader(t *testing.T) {
	x, y := &jack{tap: true, address: "\x02\x00\x00\x00\x00\x01"}, &jack{tap: true, address: "\x02\x00\x00\x00\x00\x02"}
	defer link.Patch(x, y).Close()
	require.Empty(t, x.LinkAddress())
	require.Empty(t, y.LinkAddress())
	f := frame("\x02\x00\x00\x00\x00\x09", "\x02\x00\x00\x00\x00\x08", header.ARPProtocolNumber, make([]byte, 28))
	x.deliver(f, gstack.GSO{})
	got := y.take()
	require.Len(t, got, 1)
	require.Equal(t, string(f), got[0].b)
	require.Equal(t, 14, got[0].l2)
	require.Equal(t, header.ARPProtocolNumber, got[0].proto)
}

// Between two devices with offloads nothing is touched: the super-segment is
// written as it was read, with what was said of it, and with its headers told
// apart, since the virtio header is made of their lengths.
func TestPatchCarriesSuperPackets(t *testing.T) {
	for _, tap := range []bool{false, true} {
		x, y := &jack{tap: tap, offload: true}, &jack{tap: tap, offload: true}
		cord := link.Patch(x, y)
		p, l2 := ip4TCP(random(t, 60000), true), 0
		if tap {
			p, l2 = frame("\x02\x00\x00\x00\x00\x09", "\x02\x00\x00\x00\x00\x08", header.IPv4ProtocolNumber, p), 14
		}
		x.deliver(p, superGSO)
		require.Equal(t, []written{{string(p), l2, 20, 20, superGSO, header.IPv4ProtocolNumber}}, y.take())
		require.Equal(t, link.CordCounters{Packets: 1, Bytes: uint64(len(p)), Super: 1}, cord.XY())
		cord.Close()
	}
}

// Where the other side has no offloads the segments leave one by one: each with
// its own sequence number and good checksums, and all bytes in order.
func TestPatchSegmentsForAnEndpointWithoutOffload(t *testing.T) {
	x, y := &jack{offload: true}, &jack{}
	cord := link.Patch(x, y)
	defer cord.Close()
	payload := random(t, 10*1460+1)
	x.deliver(ip4TCP(payload, true), superGSO)
	got := y.take()
	require.Len(t, got, 11)
	var all []byte
	for i, w := range got {
		require.LessOrEqual(t, len(w.b), 1500)
		requireTCPSum(t, []byte(w.b))
		tcp := header.TCP(w.b[20:])
		require.EqualValues(t, 1000+i*1460, tcp.SequenceNumber())
		require.Equal(t, i == 10, tcp.Flags()&header.TCPFlagPsh != 0, "PSH is the last one's")
		require.Zero(t, w.gso)
		all = append(all, w.b[40:]...)
	}
	require.True(t, bytes.Equal(payload, all))
	c := cord.XY()
	require.EqualValues(t, 1, c.Segmented)
	require.EqualValues(t, 1, c.Packets)
}

// A checksum that is half there is completed for who cannot.
func TestPatchCompletesChecksums(t *testing.T) {
	x, y := &jack{offload: true}, &jack{}
	cord := link.Patch(x, y)
	defer cord.Close()
	x.deliver(ip4TCP([]byte("hello"), true), partialGSO)
	require.Equal(t, []string{string(ip4TCP([]byte("hello"), false))}, y.frames())
	require.EqualValues(t, 1, cord.XY().Completed)

	// The end of a wire with offload delivers packets that lack it without a
	// word; a device must be given it.
	x, y = &jack{sums: true, offload: true}, &jack{offload: true}
	cord = link.Patch(x, y)
	defer cord.Close()
	without := ip4TCP([]byte("SYN-ACKs say nothing"), false)
	header.TCP(without[20:]).SetChecksum(0)
	x.deliver(without, gstack.GSO{})
	requireTCPSum(t, []byte(y.frames()[0]))
	x.deliver(ip6UDP([]byte("as little does UDP"), false), gstack.GSO{})
	require.Equal(t, []string{string(ip6UDP([]byte("as little does UDP"), true))}, y.frames())
	require.EqualValues(t, 2, cord.XY().Completed)

	// What has no such checksum goes on as it is: ICMP, a fragment of UDP.
	ping := ip4TCP([]byte("ping"), false)
	ping[9] = 1
	fragment := ip4TCP([]byte("first part"), false)
	fragment[9], fragment[6] = 17, 0x20
	for _, p := range [][]byte{ping, fragment} {
		x.deliver(p, gstack.GSO{})
		require.Equal(t, []string{string(p)}, y.frames())
	}
	require.EqualValues(t, 2, cord.XY().Completed)
}

// Between ends that both promise to complete checksums nothing is computed.
func TestPatchLeavesOutWhatBothLeaveOut(t *testing.T) {
	x, y := &jack{sums: true, offload: true}, &jack{sums: true, offload: true}
	cord := link.Patch(x, y)
	defer cord.Close()
	without := ip4TCP([]byte("no checksum"), false)
	header.TCP(without[20:]).SetChecksum(0)
	x.deliver(without, gstack.GSO{})
	require.Equal(t, []string{string(without)}, y.frames())
	require.Zero(t, cord.XY().Completed)
}

func TestPatchDropsAndCounts(t *testing.T) {
	x, y := &jack{offload: true}, &jack{mtu: 576}
	cord := link.Patch(x, y)
	defer cord.Close()

	x.deliver(ip4TCP(make([]byte, 537), false), gstack.GSO{})
	require.EqualValues(t, 1, cord.XY().DroppedTooBig, "one byte above the MTU")
	x.deliver(ip4TCP(make([]byte, 3000), true), superGSO)
	require.EqualValues(t, 2, cord.XY().DroppedTooBig, "segments of 1500 bytes, a cord does not cut them smaller")

	x.deliver([]byte("not what it says"), superGSO)
	require.EqualValues(t, 1, cord.XY().DroppedMalformed)

	y.refuse = 1
	x.deliver(ip4TCP(nil, false), gstack.GSO{})
	require.EqualValues(t, 1, cord.XY().DroppedRefused)
	require.Empty(t, y.frames())

	require.NoError(t, cord.Close())
	require.NoError(t, cord.Close(), "a second time")
	require.False(t, x.IsAttached())
	require.False(t, y.IsAttached())
}

// A mistake that would send frames where packets are expected is found at once.
func TestPatchWantsTheSameOnBothSides(t *testing.T) {
	require.Panics(t, func() { link.Patch(&jack{tap: true}, &jack{}) })
}

// A cable between two devices: what one kernel sends is what the other gets,
// super-packets and partial checksums included, over a wire that is perfect.
func TestCableBetweenTwoDevices(t *testing.T) {
	a, b := &jack{offload: true}, &jack{offload: true}
	wire := link.NewWire(link.WireConfig{})
	defer wire.Close()
	left, right := link.Patch(a, wire.A()), link.Patch(wire.B(), b)
	defer left.Close()
	defer right.Close()
	p := ip4TCP(random(t, 30000), true)
	a.deliver(p, superGSO)
	var got []written
	require.Eventually(t, func() bool { got = append(got, b.take()...); return len(got) > 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, []written{{string(p), 0, 20, 20, superGSO, header.IPv4ProtocolNumber}}, got)
	require.EqualValues(t, 1, right.XY().Super)

	b.deliver(ip4TCP([]byte("back"), true), partialGSO)
	var back []written
	require.Eventually(t, func() bool { back = append(back, a.take()...); return len(back) > 0 }, 10*time.Second, time.Millisecond)
	if !back[0].gso.NeedsCsum {
		requireTCPSum(t, []byte(back[0].b))
	} else {
		require.Equal(t, string(ip4TCP([]byte("back"), true)), back[0].b)
	}
}

func BenchmarkPatch(b *testing.B) {
	for name, size := range map[string]int{"a segment": 1460, "a super-packet of 60 KiB": 60 << 10} {
		b.Run(name, func(b *testing.B) {
			x, y := &jack{offload: true}, &void{jack: &jack{offload: true}}
			cord := link.Patch(x, y)
			defer cord.Close()
			p := ip4TCP(make([]byte, size), true)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				x.deliver(p, superGSO)
			}
		})
	}
}

// void is a jack that keeps nothing.
type void struct{ *jack }

func (void) WritePackets(list gstack.PacketBufferList) (int, tcpip.Error) { return list.Len(), nil }
