package link

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// superPacket is a TCP segment with so many bytes of data, 12 bytes of options
// and all the flags that a card treats apart, as gVisor hands it to a link: each
// header in its place.
func superPacket(v6, ethernet bool, data []byte, gso gstack.GSO) *gstack.PacketBuffer {
	const options = 12
	l3 := header.IPv4MinimumSize
	if v6 {
		l3 = header.IPv6MinimumSize
	}
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{
		ReserveHeaderBytes: header.EthernetMinimumSize + l3 + header.TCPMinimumSize + options,
		Payload:            buffer.MakeWithData(data),
	})
	tcp := header.TCP(pkt.TransportHeader().Push(header.TCPMinimumSize + options))
	tcp.Encode(&header.TCPFields{
		SrcPort: 1000, DstPort: 2000, SeqNum: 0xfffffff0, AckNum: 77, DataOffset: header.TCPMinimumSize + options, WindowSize: 500,
		Flags: header.TCPFlagAck | header.TCPFlagPsh | header.TCPFlagFin | tcpFlagCWR,
	})
	copy(tcp[header.TCPMinimumSize:], "\x01\x01\x08\x0a12345678")
	if v6 {
		pkt.NetworkProtocolNumber = header.IPv6ProtocolNumber
		header.IPv6(pkt.NetworkHeader().Push(l3)).Encode(&header.IPv6Fields{
			PayloadLength: uint16(len(tcp) + len(data)), TransportProtocol: header.TCPProtocolNumber, HopLimit: 9,
			SrcAddr: tcpip.AddrFrom16([16]byte{0xfd, 15: 1}), DstAddr: tcpip.AddrFrom16([16]byte{0xfd, 15: 2}),
		})
	} else {
		pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
		ip := header.IPv4(pkt.NetworkHeader().Push(l3))
		ip.Encode(&header.IPv4Fields{
			TotalLength: uint16(l3 + len(tcp) + len(data)), TTL: 9, ID: 0xfffe, Flags: header.IPv4FlagDontFragment,
			Protocol: uint8(header.TCPProtocolNumber), SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
		})
		ip.SetChecksum(^ip.CalculateChecksum())
	}
	if ethernet {
		header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{SrcAddr: macA, DstAddr: macB, Type: pkt.NetworkProtocolNumber})
	}
	pkt.GSOOptions = gso
	return pkt
}

// The segments of a super-packet are what the stack would have sent without
// offload: a card's work in software, for both families, with and without an
// Ethernet header, and however the checksum is to be done.
func TestCutSuperPacket(t *testing.T) {
	data := make([]byte, 10_000)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	for _, v6 := range []bool{false, true} {
		for _, ethernet := range []bool{false, true} {
			for _, c := range []struct {
				complete bool
				mss      uint16 // 0: nobody said, so the MTU decides
				csum     bool
			}{{true, 1000, true}, {false, 1000, true}, {false, 1000, false}, {true, 0, false}, {false, 60000, true}} {
				t.Run(fmt.Sprintf("v6=%v ethernet=%v %+v", v6, ethernet, c), func(t *testing.T) {
					gso := gstack.GSO{Type: gstack.GSOTCPv4, MSS: c.mss, NeedsCsum: c.csum}
					if c.mss == 0 {
						gso = gstack.GSO{}
					}
					pkt := superPacket(v6, ethernet, data, gso)
					defer pkt.DecRef()
					s := segmenter{complete: c.complete}
					if ethernet {
						s.linkHeader = header.EthernetMinimumSize
					}
					const mtu = 1500
					each := mtu - len(pkt.NetworkHeader().Slice()) - len(pkt.TransportHeader().Slice())
					if c.mss > 0 {
						each = min(each, int(c.mss))
					}
					var joined []byte
					cut := s.cut(nil, pkt, mtu)
					require.Len(t, cut, (len(data)+each-1)/each)
					for i, segment := range cut {
						b := AppendPacket(nil, segment, false)
						defer segment.DecRef()
						require.Equal(t, AppendPacket(nil, pkt, false)[:s.linkHeader], b[:s.linkHeader])
						b = b[s.linkHeader:]
						require.LessOrEqual(t, len(b), mtu)
						var v View
						require.True(t, v.Parse(pkt.NetworkProtocolNumber, b))
						require.Equal(t, len(b), v.Len, "its own length")
						if v.IPv4 != nil {
							require.True(t, v.IPv4.IsChecksumValid())
							require.Equal(t, uint16(0xfffe+i), v.IPv4.ID())
							require.EqualValues(t, header.IPv4FlagDontFragment, v.IPv4.Flags())
						}
						require.Equal(t, uint32(0xfffffff0)+uint32(len(joined)), v.TCP.SequenceNumber(), "also past 2³²")
						require.Equal(t, pkt.TransportHeader().Slice()[header.TCPMinimumSize:], []byte(v.TCP[header.TCPMinimumSize:]), "the options")
						flags := header.TCPFlags(header.TCPFlagAck)
						if i == 0 {
							flags |= tcpFlagCWR
						}
						if i == len(cut)-1 {
							flags |= header.TCPFlagPsh | header.TCPFlagFin
						}
						require.Equal(t, flags, v.TCP.Flags())
						joined = append(joined, v.Payload...)

						pseudo := v.pseudoHeader(len(v.TCP) + len(v.Payload))
						switch {
						case c.complete:
							require.EqualValues(t, 0xffff, checksum.Checksum(v.Payload, checksum.Checksum(v.TCP, pseudo)))
						case c.csum:
							require.Equal(t, pseudo, v.TCP.Checksum(), "whoever completes it begins with this")
							require.True(t, segment.GSOOptions.NeedsCsum)
						default:
							require.False(t, segment.GSOOptions.NeedsCsum)
						}
					}
					require.True(t, bytes.Equal(data, joined))
				})
			}
		}
	}
}

// What fits, and what is not TCP, is not cut.
func TestCutLeavesTheRest(t *testing.T) {
	s := segmenter{}
	small := superPacket(false, false, make([]byte, 1448), gstack.GSO{Type: gstack.GSOTCPv4, MSS: 1448})
	defer small.DecRef()
	require.Empty(t, s.cut(nil, small, 1500))
	require.Equal(t, 1, segments(small))

	udp := make([]byte, 3000)
	header.IPv4(udp).Encode(&header.IPv4Fields{TotalLength: 3000, TTL: 9, Protocol: uint8(header.UDPProtocolNumber)})
	for _, b := range [][]byte{udp, make([]byte, 3000), nil} {
		pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
		pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
		require.Empty(t, s.cut(nil, pkt, 1500))
		pkt.DecRef()
	}
	headersOnly := superPacket(true, false, make([]byte, 200), gstack.GSO{})
	defer headersOnly.DecRef()
	require.Empty(t, s.cut(nil, headersOnly, 60), "an MTU that holds no data: there is nothing to do but to pass it")
}

// What is cut is as many packets as the wire counts where it passes it whole.
func TestSegmentsAreCounted(t *testing.T) {
	for _, n := range []int{1, 999, 1000, 1001, 5000, 60_001} {
		pkt := superPacket(false, false, make([]byte, n), gstack.GSO{Type: gstack.GSOTCPv4, MSS: 1000})
		s := segmenter{}
		cut := s.cut(nil, pkt, 1500)
		require.Equal(t, max(1, len(cut)), segments(pkt), "%d bytes", n)
		for _, c := range cut {
			c.DecRef()
		}
		pkt.DecRef()
	}
}

func BenchmarkCut(b *testing.B) {
	pkt := superPacket(false, false, make([]byte, 1448*44), gstack.GSO{Type: gstack.GSOTCPv4, MSS: 1448, NeedsCsum: true})
	defer pkt.DecRef()
	s := segmenter{}
	var cut []*gstack.PacketBuffer
	b.ReportAllocs()
	b.SetBytes(int64(pkt.Size()))
	for b.Loop() {
		cut = s.cut(cut[:0], pkt, 1500)
		for _, c := range cut {
			c.DecRef()
		}
	}
}
