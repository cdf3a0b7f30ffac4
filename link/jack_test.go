package link_test

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// jack is a link endpoint without a link: what is written to it can be looked
// at, and the test delivers what comes in.
type jack struct {
	tap     bool // Ethernet frames
	offload bool // super-packets, and checksums to be completed: a device with offloads
	sums    bool // promises to complete checksums: a wire's end with offload
	mtu     uint32
	refuse  int // of the next packets

	mu      sync.Mutex
	host    gstack.NetworkDispatcher
	address tcpip.LinkAddress
	wrote   []written
}

// written is a packet as it was written: its bytes, and what is said of it.
type written struct {
	b          string
	l2, l3, l4 int // bytes of its headers, where they were found
	gso        gstack.GSO
	proto      tcpip.NetworkProtocolNumber
}

var (
	_ gstack.LinkEndpoint = (*jack)(nil)
	_ gstack.GSOEndpoint  = (*jack)(nil)
)

func (j *jack) WritePackets(list gstack.PacketBufferList) (int, tcpip.Error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, pkt := range list.AsSlice() {
		if j.refuse > 0 {
			j.refuse--
			return i, &tcpip.ErrNoBufferSpace{}
		}
		v := pkt.ToView()
		j.wrote = append(j.wrote, written{
			string(v.AsSlice()), len(pkt.LinkHeader().Slice()), len(pkt.NetworkHeader().Slice()), len(pkt.TransportHeader().Slice()),
			pkt.GSOOptions, pkt.NetworkProtocolNumber,
		})
		v.Release()
	}
	return list.Len(), nil
}

// take gives what was written since the last call.
func (j *jack) take() []written {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.wrote
	j.wrote = nil
	return w
}

// frames are the bytes of what was written since the last call.
func (j *jack) frames() []string {
	out := []string{}
	for _, w := range j.take() {
		out = append(out, w.b)
	}
	return out
}

// deliver lets a packet come in; false where nobody is attached.
func (j *jack) deliver(b []byte, gso gstack.GSO) bool {
	j.mu.Lock()
	host := j.host
	j.mu.Unlock()
	if host == nil {
		return false
	}
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	defer pkt.DecRef()
	proto := header.IPv4ProtocolNumber
	if len(b) > 0 && b[0]>>4 == 6 {
		proto = header.IPv6ProtocolNumber
	}
	if j.tap && j.ParseHeader(pkt) {
		proto = header.Ethernet(b).Type()
	}
	pkt.GSOOptions = gso
	host.DeliverNetworkPacket(proto, pkt)
	return true
}

func (j *jack) ParseHeader(pkt *gstack.PacketBuffer) bool {
	_, ok := pkt.LinkHeader().Consume(int(j.MaxHeaderLength()))
	return ok
}

func (j *jack) Attach(d gstack.NetworkDispatcher) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.host = d
}

func (j *jack) IsAttached() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.host != nil
}

func (j *jack) Capabilities() (c gstack.LinkEndpointCapabilities) {
	if j.offload || j.sums {
		c |= gstack.CapabilityRXChecksumOffload
	}
	if j.sums {
		c |= gstack.CapabilityTXChecksumOffload
	}
	return c
}

func (j *jack) SupportedGSO() gstack.SupportedGSO {
	if j.offload {
		return gstack.HostGSOSupported
	}
	return gstack.GSONotSupported
}

func (j *jack) MTU() uint32 {
	if j.mtu == 0 {
		return 1500
	}
	return j.mtu
}

func (j *jack) MaxHeaderLength() uint16 {
	if j.tap {
		return header.EthernetMinimumSize
	}
	return 0
}

func (j *jack) ARPHardwareType() header.ARPHardwareType {
	if j.tap {
		return header.ARPHardwareEther
	}
	return header.ARPHardwareNone
}

func (j *jack) SetMTU(mtu uint32)                  { j.mtu = mtu }
func (j *jack) GSOMaxSize() uint32                 { return 65535 }
func (j *jack) LinkAddress() tcpip.LinkAddress     { return j.address }
func (j *jack) SetLinkAddress(a tcpip.LinkAddress) { j.address = a }
func (j *jack) AddHeader(*gstack.PacketBuffer)     {}
func (j *jack) Wait()                              {}
func (j *jack) Close()                             {}
func (j *jack) SetOnCloseAction(func())            {}

// Packets by hand: from port 40000 of .1 to port 80 of .2.

// ip4TCP is a TCP segment with its checksums; partial leaves that of TCP at the
// pseudo-header's part, as a kernel with offloads does.
func ip4TCP(payload []byte, partial bool) []byte {
	b := make([]byte, 40+len(payload))
	ip := header.IPv4(b)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), ID: 7, TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	tcp := header.TCP(b[20:])
	tcp.Encode(&header.TCPFields{SrcPort: 40000, DstPort: 80, SeqNum: 1000, DataOffset: 20, Flags: header.TCPFlagAck | header.TCPFlagPsh, WindowSize: 100})
	copy(b[40:], payload)
	pseudo := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(b)-20))
	if partial {
		tcp.SetChecksum(pseudo)
	} else {
		tcp.SetChecksum(^checksum.Checksum(b[20:], pseudo))
	}
	return b
}

// ip6UDP is a UDP datagram; without sum its checksum is 0.
func ip6UDP(payload []byte, sum bool) []byte {
	b := make([]byte, 48+len(payload))
	ip := header.IPv6(b)
	ip.Encode(&header.IPv6Fields{
		PayloadLength: uint16(len(b) - 40), TransportProtocol: header.UDPProtocolNumber, HopLimit: 64,
		SrcAddr: tcpip.AddrFrom16([16]byte{0xfd, 15: 1}), DstAddr: tcpip.AddrFrom16([16]byte{0xfd, 15: 2}),
	})
	udp := header.UDP(b[40:])
	udp.Encode(&header.UDPFields{SrcPort: 40000, DstPort: 53, Length: uint16(len(b) - 40)})
	copy(b[48:], payload)
	if sum {
		udp.SetChecksum(^checksum.Checksum(b[40:], header.PseudoHeaderChecksum(header.UDPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(b)-40))))
	}
	return b
}

// frame puts an Ethernet header before a packet.
func frame(dst, src tcpip.LinkAddress, proto tcpip.NetworkProtocolNumber, packet []byte) []byte {
	f := make([]byte, header.EthernetMinimumSize, header.EthernetMinimumSize+len(packet))
	header.Ethernet(f).Encode(&header.EthernetFields{DstAddr: dst, SrcAddr: src, Type: proto})
	return append(f, packet...)
}

// requireTCPSum checks both checksums of an IPv4 TCP segment.
func requireTCPSum(t *testing.T, packet []byte) {
	t.Helper()
	ip := header.IPv4(packet)
	require.True(t, ip.IsChecksumValid(), "IPv4's")
	require.Equal(t, len(packet), int(binary.BigEndian.Uint16(packet[2:])), "total length")
	pseudo := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(packet)-20))
	require.EqualValues(t, 0xffff, checksum.Checksum(packet[20:], pseudo), "TCP's")
}
