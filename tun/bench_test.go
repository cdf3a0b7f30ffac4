package tun

import (
	"fmt"
	"testing"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// nobody is a stack that drops everything.
type nobody struct{}

func (nobody) DeliverNetworkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}
func (nobody) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer)    {}

// BenchmarkReceive is what the device costs a packet between read(2) and the
// stack: looking at it, and the memory it is handed over in.
func BenchmarkReceive(b *testing.B) {
	for _, size := range []int{64, 1500, 9000, 65000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d := newDevice(Config{MTU: 65535}, newFakeKernel(), "bench0", true)
			defer d.Close()
			var to gstack.NetworkDispatcher = nobody{}
			d.dispatcher.Store(&to)
			packet := ipv4Packet(6, tcpSegment(kernel4, our4, make([]byte, size-40)), nil)
			h := virtioHeader{flags: virtioNeedsCsum, csumStart: 20, csumOffset: 16}
			var in inbox
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				n := copy(in.space(), packet) // in place of the kernel's copy
				d.receive(&in, n, h)
			}
		})
	}
}

// BenchmarkHeader is the virtio header of a super-segment.
func BenchmarkHeader(b *testing.B) {
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{ReserveHeaderBytes: 40, Payload: buffer.MakeWithData(make([]byte, 64000))})
	defer pkt.DecRef()
	pkt.TransportHeader().Push(20)
	pkt.NetworkHeader().Push(20)
	pkt.GSOOptions = gstack.GSO{Type: gstack.GSOTCPv4, NeedsCsum: true, CsumOffset: 16, MSS: 1460, L3HdrLen: 20}
	out := make([]byte, virtioHeaderSize)
	b.ReportAllocs()
	for b.Loop() {
		h := headerFor(pkt)
		h.encode(out)
	}
}
