package link_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"strata/link"
	"strata/trace"
)

// receiver is a host of gVisor's on an end, with a UDP socket on port 7 that
// hears both families.
func receiver(t *testing.T, end gstack.LinkEndpoint) (*gstack.Stack, tcpip.Endpoint) {
	s := gstack.New(gstack.Options{
		NetworkProtocols:   []gstack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []gstack.TransportProtocolFactory{udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
	})
	t.Cleanup(s.Destroy)
	require.Nil(t, s.CreateNIC(1, end))
	for proto, a := range map[tcpip.NetworkProtocolNumber]tcpip.Address{
		ip4: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}), ip6: tcpip.AddrFrom16([16]byte{0xfd, 15: 2}),
	} {
		require.Nil(t, s.AddProtocolAddress(1, tcpip.ProtocolAddress{Protocol: proto, AddressWithPrefix: a.WithPrefix()}, gstack.AddressProperties{}))
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}, {Destination: header.IPv6EmptySubnet, NIC: 1}})
	ep, err := s.NewEndpoint(header.UDPProtocolNumber, ip6, &waiter.Queue{})
	require.Nil(t, err)
	t.Cleanup(ep.Close)
	ep.SocketOptions().SetV6Only(false)
	require.Nil(t, ep.Bind(tcpip.FullAddress{Port: 7}))
	return s, ep
}

// echo is a ping or a UDP datagram with 32 bytes that say n, as a host without
// offload sends it, or as one with it: then UDP's checksum is not there.
func echo(v6, ping, offload bool, n uint32) []byte {
	ip, transport := header.IPv4MinimumSize, tcpip.TransportProtocolNumber(header.UDPProtocolNumber)
	if v6 {
		ip = header.IPv6MinimumSize
	}
	b := make([]byte, ip+8+32)
	binary.BigEndian.PutUint32(b[ip+8:], n)
	src, dst := tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), tcpip.AddrFrom4([4]byte{10, 0, 0, 2})
	if v6 {
		src, dst = tcpip.AddrFrom16([16]byte{0xfd, 15: 1}), tcpip.AddrFrom16([16]byte{0xfd, 15: 2})
	}
	switch {
	case ping && v6:
		transport = header.ICMPv6ProtocolNumber
		h := header.ICMPv6(b[ip:])
		h.SetType(header.ICMPv6EchoRequest)
		h.SetChecksum(header.ICMPv6Checksum(header.ICMPv6ChecksumParams{Header: h, Src: src, Dst: dst}))
	case ping:
		transport = header.ICMPv4ProtocolNumber
		h := header.ICMPv4(b[ip:])
		h.SetType(header.ICMPv4Echo)
		h.SetChecksum(header.ICMPv4Checksum(h, 0))
	default:
		h := header.UDP(b[ip:])
		h.Encode(&header.UDPFields{SrcPort: 9, DstPort: 7, Length: uint16(len(h))})
		if !offload {
			h.SetChecksum(^checksum.Checksum(h, header.PseudoHeaderChecksum(transport, src, dst, uint16(len(h)))))
		}
	}
	if v6 {
		header.IPv6(b).Encode(&header.IPv6Fields{PayloadLength: uint16(len(b) - ip), TransportProtocol: transport, HopLimit: 64, SrcAddr: src, DstAddr: dst})
		return b
	}
	h := header.IPv4(b)
	h.Encode(&header.IPv4Fields{TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(transport), SrcAddr: src, DstAddr: dst})
	h.SetChecksum(^h.CalculateChecksum())
	return b
}

// Whatever bit is flipped, the host finds it: no datagram reaches the socket
// other than it was sent, no ping is answered, and the stack counts checksum
// errors. Only what no checksum covers may pass, as it would on a real wire:
// IPv6's hop limit, traffic class and flow label.
func TestCorruptionIsFoundByTheReceiver(t *testing.T) {
	const n = 3000
	for _, noOffload := range []bool{false, true} {
		for _, v6 := range []bool{false, true} {
			t.Run(fmt.Sprintf("noOffload=%v v6=%v", noOffload, v6), func(t *testing.T) {
				l := newLine(t, shape(t, "corrupt 100%"), func(c *link.WireConfig) { c.NoOffload = noOffload })
				s, ep := receiver(t, l.Wire.B())
				passed, answers := 0, 0
				l.back.each = func(b []byte) { // there may be complaints as well, of a next header that nobody knows
					var v link.View
					if v.Parse(ip6, b) && v.ICMPv6.Type() == header.ICMPv6EchoReply || v.Parse(ip4, b) {
						answers++
					}
				}
				for i := range uint32(n) {
					l.put(t, echo(v6, false, !noOffload, i))
					l.rest()
					var got bytes.Buffer
					if _, err := ep.Read(&got, tcpip.ReadOptions{}); err == nil {
						passed++
						require.Equal(t, i, binary.BigEndian.Uint32(got.Bytes()))
						require.Equal(t, make([]byte, 28), got.Bytes()[4:])
					}
					l.put(t, echo(v6, true, false, i))
					l.rest()
				}
				harmless := 0.0
				if v6 {
					harmless = 36.0 / (8 * 80) // bits of 80 bytes
				}
				require.InDelta(t, n*harmless, passed, 4*13*harmless/0.056, "36 bits in 640, with a deviation of 13")
				require.InDelta(t, n*harmless, answers, 4*13*harmless/0.056)
				stats := s.Stats()
				require.Greater(t, stats.UDP.ChecksumErrors.Value(), uint64(n/3), "40 of 60 bytes and more are UDP's")
				c := l.AB().Counters()
				require.EqualValues(t, 2*n, c.Corrupted)
				require.EqualValues(t, 2*n, c.Delivered, "the wire delivered it; the host dropped it")
				whole(t, c)

				// The next packet that is whole is taken as before.
				require.NoError(t, l.AB().Set(shape(t, "delay 1ms")))
				l.put(t, echo(v6, false, !noOffload, 5))
				l.rest()
				var got bytes.Buffer
				_, err := ep.Read(&got, tcpip.ReadOptions{})
				require.Nil(t, err)
			})
		}
	}
}

// Where no checksum can tell, the end itself finds it, as from a frame's check
// sequence: ARP, and fragments whose checksum was left out.
func TestCorruptionWithoutChecksumIsFoundByTheEnd(t *testing.T) {
	l := newLine(t, shape(t, "corrupt 100%"), func(c *link.WireConfig) { c.Ethernet = true })
	frame := make([]byte, 14+28)
	header.Ethernet(frame).Encode(&header.EthernetFields{SrcAddr: "\x02\x00\x00\x00\x00\x01", DstAddr: header.EthernetBroadcastAddress, Type: header.ARPProtocolNumber})
	header.ARP(frame[14:]).SetIPv4OverEthernet()
	l.put(t, frame)
	l.rest()
	require.Empty(t, l.far.got)
	require.EqualValues(t, 1, l.AB().Counters().DroppedCorrupt)
	whole(t, l.AB().Counters())

	fragment := datagram(1, 100, 1)
	header.IPv4(fragment).SetFlagsFragmentOffset(header.IPv4FlagMoreFragments, 0)
	for _, noOffload := range []bool{false, true} {
		l := newLine(t, shape(t, "corrupt 100%"), func(c *link.WireConfig) { c.NoOffload = noOffload })
		l.put(t, fragment)
		l.rest()
		if noOffload {
			require.Len(t, l.far.got, 1, "the host finds it when it has put the datagram together")
		} else {
			require.Empty(t, l.far.got)
		}
	}
}

// A corrupted packet that a switch or a cord passes on to another wire is still
// known as such there, and a capture shows it as it is.
func TestCorruptionCrossesWires(t *testing.T) {
	loop := newVirtual()
	first := link.NewWire(link.WireConfig{Loop: loop, AB: shape(t, "corrupt 100%")})
	second := link.NewWire(link.WireConfig{Loop: loop})
	defer first.Close()
	defer second.Close()
	tap := link.NewTap(second.B())
	wrong := 0
	tap.Listen(func(_ trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		require.True(t, link.Corrupted(pkt))
		var v link.View
		if v.Parse(ip4, link.AppendPacket(nil, pkt, true)) && v.UDP != nil &&
			!v.UDP.IsChecksumValid(v.IPv4.SourceAddress(), v.IPv4.DestinationAddress(), checksum.Checksum(v.Payload, 0)) {
			wrong++
		}
		return true
	})
	s, ep := receiver(t, tap)
	defer link.Patch(first.B(), second.A()).Close()
	for i := range uint32(500) {
		putAt(t, first.A(), echo(false, false, true, i))
		loop.rest()
	}
	_, err := ep.Read(&bytes.Buffer{}, tcpip.ReadOptions{})
	require.IsType(t, &tcpip.ErrWouldBlock{}, err)
	require.Greater(t, s.Stats().UDP.ChecksumErrors.Value(), uint64(200))
	require.Greater(t, wrong, 300, "a capture does not repair them")
}
