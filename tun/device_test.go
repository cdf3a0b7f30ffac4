package tun

import (
	"bytes"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// fakeKernel is a backend without a device: what the test sends is read, what
// is written can be looked at.
type fakeKernel struct {
	sends  chan fakePacket // closed: the device is closed
	fails  error           // what every write returns
	once   sync.Once
	mu     sync.Mutex
	wrote  [][]byte
	virtio []virtioHeader
}

// errGone stands for what the kernel answers when there is no device any more.
var errGone = syscall.EBADF

type fakePacket struct {
	b   []byte
	h   virtioHeader
	err error
}

func newFakeKernel() *fakeKernel { return &fakeKernel{sends: make(chan fakePacket)} }

func (k *fakeKernel) read(in *inbox) (int, virtioHeader, error) {
	p, ok := <-k.sends
	if !ok {
		return 0, virtioHeader{}, os.ErrClosed
	}
	n := copy(in.space(), p.b)
	return n + copy(in.tail[:], p.b[n:]), p.h, p.err
}

func (k *fakeKernel) write(pkt *gstack.PacketBuffer) error {
	if k.fails != nil {
		return k.fails
	}
	v := pkt.ToView()
	defer v.Release()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wrote = append(k.wrote, v.ToSlice())
	k.virtio = append(k.virtio, headerFor(pkt))
	return nil
}

func (k *fakeKernel) close() error {
	k.once.Do(func() { close(k.sends) })
	return nil
}

// received is a stack that keeps what is delivered to it.
type received struct {
	packets chan delivered
}

type delivered struct {
	proto tcpip.NetworkProtocolNumber
	link  []byte // the link header
	data  []byte // what is behind it
}

func newReceived() *received { return &received{packets: make(chan delivered, 100)} }

func (r *received) DeliverNetworkPacket(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	r.packets <- delivered{proto, bytes.Clone(pkt.LinkHeader().Slice()), pkt.Data().AsRange().ToSlice()}
}

func (r *received) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

// openFake is Open with a fakeKernel.
func openFake(t *testing.T, c Config, offload bool) (*Device, *fakeKernel) {
	t.Helper()
	c, err := c.check()
	require.NoError(t, err)
	k := newFakeKernel()
	d := newDevice(c, k, "fake0", offload)
	t.Cleanup(d.Close)
	return d, k
}

func TestPacketsOfEverySizeArriveWhole(t *testing.T) {
	for _, offload := range []bool{false, true} {
		d, k := openFake(t, Config{MTU: 65535}, offload)
		r := newReceived()
		d.Attach(r)
		var bytesIn uint64
		// Around each bound of the inbox: the smallest packet, one view or two,
		// copied or handed over, the largest there is. Each comes twice, so that
		// what is left of a buffer's last use would be seen.
		sizes := []int{20, 21, headSize, splitFrom - 1, splitFrom, splitFrom + 1, inboxSize / 2, inboxSize/2 + 1, 65534, 65535}
		for i, size := range append(sizes, sizes...) {
			p := ipv4Packet(200, bytes.Repeat([]byte{byte(i)}, size-20), nil)
			k.sends <- fakePacket{b: p}
			got := <-r.packets
			require.Equal(t, header.IPv4ProtocolNumber, got.proto)
			require.True(t, bytes.Equal(p, got.data), "%d bytes", size)
			bytesIn += uint64(size)
		}
		require.Equal(t, Stats{InPackets: uint64(2 * len(sizes)), InBytes: bytesIn}, d.Stats())
	}
}

// A TAP frame of the largest IP packet is larger than the inbox.
func TestTheLargestFrameArrivesWhole(t *testing.T) {
	d, k := openFake(t, Config{TAP: true, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}}, true)
	r := newReceived()
	d.Attach(r)
	for range 2 {
		p := ipv4Packet(200, bytes.Repeat([]byte{7}, 65535-20), nil)
		k.sends <- fakePacket{b: ethernetFrame(d.LinkAddress(), "\x02\x00\x00\x00\x00\x01", header.IPv4ProtocolNumber, p)}
		got := <-r.packets
		require.Len(t, got.link, 14)
		require.True(t, bytes.Equal(p, got.data))
	}
}

func TestWhatIsDroppedIsCounted(t *testing.T) {
	ours := tcpip.LinkAddress("\x02\x00\x00\x00\x00\x02")
	theirs := tcpip.LinkAddress("\x02\x00\x00\x00\x00\x01")
	good := ipv4Packet(6, tcpSegment(kernel4, our4, []byte("hello")), nil)
	badTCP := bytes.Clone(good)
	badTCP[len(badTCP)-1] ^= 1
	badIP := bytes.Clone(good)
	badIP[8]-- // TTL
	partial := bytes.Clone(good)
	header.TCP(partial[20:]).SetChecksum(header.PseudoHeaderChecksum(6, kernel4, our4, uint16(len(good)-20)))

	tun := func(offload bool) func(*testing.T) (*Device, *fakeKernel) {
		return func(t *testing.T) (*Device, *fakeKernel) { return openFake(t, Config{}, offload) }
	}
	tap := func(t *testing.T) (*Device, *fakeKernel) {
		return openFake(t, Config{TAP: true, MAC: net.HardwareAddr(ours)}, true)
	}
	for _, c := range []struct {
		name string
		open func(*testing.T) (*Device, *fakeKernel)
		b    []byte
		h    virtioHeader
		want InDrops // zero: it must arrive
	}{
		{"nothing", tun(true), nil, virtioHeader{}, InDrops{Malformed: 1}},
		{"IP version 5", tun(false), []byte{0x50, 0, 0, 0}, virtioHeader{}, InDrops{Malformed: 1}},
		{"UDP segmentation that was not asked for", tun(true), good, virtioHeader{gsoType: 5}, InDrops{Malformed: 1}},
		{"a frame without its header", tap, []byte{0xff, 0xff, 0xff}, virtioHeader{}, InDrops{Malformed: 1}},

		{"a wrong TCP checksum", tun(true), badTCP, virtioHeader{}, InDrops{Checksum: 1}},
		{"a wrong TCP checksum on TAP", tap, ethernetFrame(ours, theirs, header.IPv4ProtocolNumber, badTCP), virtioHeader{}, InDrops{Checksum: 1}},
		{"a wrong IP checksum, whatever the kernel says", tun(true), badIP, virtioHeader{flags: virtioDataValid}, InDrops{Checksum: 1}},
		{"a right checksum", tun(true), good, virtioHeader{}, InDrops{}},
		{"the kernel has checked it", tun(true), badTCP, virtioHeader{flags: virtioDataValid}, InDrops{}},
		{"a partial checksum", tun(true), partial, virtioHeader{flags: virtioNeedsCsum, csumStart: 20, csumOffset: 16}, InDrops{}},
		{"a partial checksum that is not marked", tun(true), partial, virtioHeader{}, InDrops{Checksum: 1}},
		{"a super-segment with CWR", tun(true), partial, virtioHeader{flags: virtioNeedsCsum, gsoType: virtioGSOTCPv4 | virtioGSOECN, gsoSize: 3}, InDrops{}},
		// Without offload gVisor verifies by itself.
		{"a wrong checksum without offload", tun(false), badTCP, virtioHeader{}, InDrops{}},

		{"for another station", tap, ethernetFrame(theirs, theirs, header.IPv4ProtocolNumber, good), virtioHeader{}, InDrops{NotForUs: 1}},
		{"for us", tap, ethernetFrame(ours, theirs, header.IPv4ProtocolNumber, good), virtioHeader{}, InDrops{}},
		{"broadcast", tap, ethernetFrame(header.EthernetBroadcastAddress, theirs, header.ARPProtocolNumber, make([]byte, 28)), virtioHeader{}, InDrops{}},
		{"multicast", tap, ethernetFrame("\x33\x33\x00\x00\x00\x01", theirs, header.IPv6ProtocolNumber, ipv6Packet(59, nil)), virtioHeader{}, InDrops{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, k := c.open(t)
			r := newReceived()
			d.Attach(r)
			k.sends <- fakePacket{b: c.b, h: c.h}
			if c.want == (InDrops{}) {
				<-r.packets
			} else {
				// The reader is done with one packet when it takes the next.
				k.sends <- fakePacket{}
				c.want.Malformed++
			}
			d.Close()
			require.Empty(t, r.packets)
			require.Equal(t, c.want, d.Stats().InDrops)
		})
	}
}

// A device without an address of its own is a cable's end: what is for others
// is its business too.
func TestADeviceWithoutAddressTakesEveryFrame(t *testing.T) {
	d, k := openFake(t, Config{TAP: true}, true)
	d.SetLinkAddress("")
	r := newReceived()
	d.Attach(r)
	k.sends <- fakePacket{b: ethernetFrame("\x02\x00\x00\x00\x00\x07", "\x02\x00\x00\x00\x00\x01", header.IPv6ProtocolNumber, ipv6Packet(59, nil))}
	require.Len(t, (<-r.packets).link, 14)
	require.Zero(t, d.Stats().InDrops)
}

func TestPacketsForNobodyAreCounted(t *testing.T) {
	d, k := openFake(t, Config{}, false)
	r := newReceived()
	p := fakePacket{b: ipv4Packet(200, nil, nil)}
	d.Attach(r)
	require.True(t, d.IsAttached())
	k.sends <- p
	<-r.packets
	d.Attach(nil)
	require.False(t, d.IsAttached())
	k.sends <- p
	d.Attach(r) // again: the reader is the one from before
	k.sends <- p
	<-r.packets
	s := d.Stats()
	// The packet in between met no stack, or the one that came back: never both.
	require.EqualValues(t, 3, s.InPackets+s.InDrops.Detached)
}

func TestEthernetHeaders(t *testing.T) {
	d, _ := openFake(t, Config{TAP: true, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}}, false)
	require.EqualValues(t, 14, d.MaxHeaderLength())
	require.Equal(t, header.ARPHardwareEther, d.ARPHardwareType())
	require.NotZero(t, d.Capabilities()&gstack.CapabilityResolutionRequired)
	require.Equal(t, tcpip.LinkAddress("\x02\x00\x00\x00\x00\x02"), d.LinkAddress())

	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{ReserveHeaderBytes: 14, Payload: buffer.MakeWithData([]byte("packet"))})
	defer pkt.DecRef()
	pkt.NetworkProtocolNumber = header.IPv6ProtocolNumber
	pkt.EgressRoute.RemoteLinkAddress = "\x02\x00\x00\x00\x00\x01"
	d.AddHeader(pkt)
	require.Equal(t, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x86\xddpacket", string(pkt.ToView().ToSlice()))

	in := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(pkt.ToView().ToSlice())})
	defer in.DecRef()
	require.True(t, d.ParseHeader(in))
	require.Equal(t, header.IPv6ProtocolNumber, in.NetworkProtocolNumber)
	require.Equal(t, "packet", string(in.Data().AsRange().ToSlice()))

	short := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(make([]byte, 13))})
	defer short.DecRef()
	require.False(t, d.ParseHeader(short))

	tun, _ := openFake(t, Config{}, false)
	require.Zero(t, tun.MaxHeaderLength())
	require.Equal(t, header.ARPHardwareNone, tun.ARPHardwareType())
	require.Empty(t, tun.LinkAddress())
	require.True(t, tun.ParseHeader(short))
}

// The checksum of what comes in is ours to verify with offload; that of what
// goes out is the stack's, but for packets that say otherwise.
func TestCapabilities(t *testing.T) {
	with, _ := openFake(t, Config{}, true)
	require.Equal(t, gstack.LinkEndpointCapabilities(gstack.CapabilityRXChecksumOffload), with.Capabilities())
	require.Equal(t, gstack.HostGSOSupported, with.SupportedGSO())
	require.EqualValues(t, 65535, with.GSOMaxSize())

	without, _ := openFake(t, Config{}, false)
	require.Zero(t, without.Capabilities())
	require.Equal(t, gstack.GSONotSupported, without.SupportedGSO())
	require.Zero(t, without.GSOMaxSize())
}

func TestMTUStaysWithinTheDevice(t *testing.T) {
	d, _ := openFake(t, Config{TAP: true, MTU: 9000}, false)
	require.EqualValues(t, 9000, d.MTU())
	for set, want := range map[uint32]uint32{1280: 1280, 1: 68, 70000: 65521} {
		d.SetMTU(set)
		require.Equal(t, want, d.MTU())
	}
}

func TestWriteErrorsAreCountedByCause(t *testing.T) {
	for _, c := range []struct {
		err   error
		want  tcpip.Error
		count OutDrops
	}{
		{syscall.EIO, &tcpip.ErrNetworkUnreachable{}, OutDrops{Down: 1}},
		{&os.PathError{Op: "write", Path: "tun", Err: syscall.EIO}, &tcpip.ErrNetworkUnreachable{}, OutDrops{Down: 1}},
		{syscall.EAGAIN, &tcpip.ErrNoBufferSpace{}, OutDrops{Full: 1}},
		{syscall.ENOBUFS, &tcpip.ErrNoBufferSpace{}, OutDrops{Full: 1}},
		{syscall.ENOMEM, &tcpip.ErrNoBufferSpace{}, OutDrops{Full: 1}},
		{syscall.EINVAL, &tcpip.ErrAborted{}, OutDrops{Failed: 1}},
		{os.ErrClosed, &tcpip.ErrClosedForSend{}, OutDrops{Closed: 1}},
	} {
		d, k := openFake(t, Config{}, true)
		k.fails = c.err
		pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData([]byte("x"))})
		var list gstack.PacketBufferList
		list.PushBack(pkt)
		n, err := d.WritePackets(list)
		require.Zero(t, n)
		require.IsType(t, c.want, err)
		require.Equal(t, Stats{OutDrops: c.count}, d.Stats())
		pkt.DecRef()
	}
}

func TestCloseIsForGood(t *testing.T) {
	d, _ := openFake(t, Config{}, false)
	d.Attach(newReceived())
	require.NoError(t, d.Err())
	select {
	case <-d.Done():
		t.Fatal("done before it was closed")
	default:
	}
	var closing sync.WaitGroup
	for range 4 { // from several goroutines at once, and again
		closing.Go(d.Close)
	}
	closing.Wait()
	d.Close()
	<-d.Done()
	require.ErrorIs(t, d.Err(), os.ErrClosed)
	d.Attach(newReceived()) // starts no reader on a closed device
	d.Wait()
}

// A device that the kernel takes away says so, and can still be closed.
func TestTheKernelTakesTheDeviceAway(t *testing.T) {
	d, k := openFake(t, Config{}, false)
	d.Attach(newReceived())
	k.sends <- fakePacket{err: errGone}
	<-d.Done()
	require.EqualError(t, d.Err(), "tun: device fake0 is gone: bad file descriptor")
	require.True(t, errors.Is(d.Err(), errGone))
	d.Close()
	require.ErrorIs(t, d.Err(), errGone, "Close does not hide why")
}

// gVisor's own Close of an interface and ours call each other: the stack closes
// the endpoint of an interface that is removed, and an endpoint that is closed
// removes its interface. Whoever begins, both must end.
func TestClosingTheDeviceAndTheStack(t *testing.T) {
	open := func() (*Device, *gstack.Stack) {
		d, _ := openFake(t, Config{}, false)
		s := gstack.New(gstack.Options{NetworkProtocols: []gstack.NetworkProtocolFactory{ipv4.NewProtocol}})
		require.Nil(t, s.CreateNIC(1, d))
		d.SetOnCloseAction(func() { s.RemoveNIC(1) })
		return d, s
	}
	d, s := open()
	d.Close()
	require.False(t, s.HasNIC(1))
	s.Destroy()

	d, s = open()
	require.Nil(t, s.RemoveNIC(1))
	<-d.Done()
	s.Destroy()

	d, s = open()
	s.Destroy()
	<-d.Done()
}
