package link_test

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
	"strata/trace"
)

const (
	ip4 = tcpip.NetworkProtocolNumber(header.IPv4ProtocolNumber)
	ip6 = tcpip.NetworkProtocolNumber(header.IPv6ProtocolNumber)
	arp = tcpip.NetworkProtocolNumber(header.ARPProtocolNumber)
)

// packets are written out by hand from the RFCs' pictures of the headers.
var packets = []struct {
	name  string
	proto tcpip.NetworkProtocolNumber
	hex   string
	event string // in's; empty where the packet is none
}{
	{"SYN with all its options", ip4,
		"4500003c" + "00004000" + "40060000" + "0a4d0001" + "0a4d0002" +
			"9c400050" + "00000001" + "00000000" + "a002faf0" + "00000000" +
			"020405b4" + "0402" + "080a0000000a00000000" + "01" + "030307",
		"SYN seq=1 win=64240 len=0 mss=1460 ws=7 sackOK ts=10/0"},
	{"data with SACK blocks", ip4,
		"45000037" + "00004000" + "40060000" + "0a4d0001" + "0a4d0002" +
			"9c400050" + "00000005" + "00000009" + "80180100" + "00000000" +
			"0101050a" + "0000006400000" + "0c8" + "616263",
		"PSH-ACK seq=5 ack=9 win=256 len=3 sack=100-200"},
	{"IPv6 with extension headers before TCP", ip6,
		"60000000" + "00240040" + "fd770000000000000000000000000001" + "fd770000000000000000000000000002" +
			"3c00010400000000" + // hop-by-hop, then destination options
			"0600010400000000" +
			"9c400050" + "00000001" + "00000002" + "50110001" + "00000000",
		"FIN-ACK seq=1 ack=2 win=1 len=0"},
	{"IPv6 later fragment", ip6,
		"60000000" + "000c2c40" + "fd770000000000000000000000000001" + "fd770000000000000000000000000002" +
			"0600000900000001" + "00000000",
		"6 fragment, 52 bytes"},
	{"IPv4 later fragment", ip4,
		"4500001c" + "00000003" + "40110000" + "0a4d0001" + "0a4d0002" + "0000000000000000",
		"17 fragment, 28 bytes"},
	{"UDP", ip4,
		"4500001e" + "00000000" + "40110000" + "0a4d0001" + "0a4d0002" + "d4310035" + "000a0000" + "6869",
		"UDP 54321 > 53, 30 bytes"},
	{"ping", ip4,
		"4500001c" + "00000000" + "40010000" + "0a4d0001" + "0a4d0002" + "0800000000010001",
		"ICMP echo request, 28 bytes"},
	{"who has", arp,
		"0001080006040001" + "020000000001" + "0a4d0001" + "000000000000" + "0a4d0002",
		"ARP who has 10.77.0.2?"},
	{"is at", arp,
		"0001080006040002" + "020000000002" + "0a4d0002" + "020000000001" + "0a4d0001",
		"ARP 10.77.0.2 is at 02:00:00:00:00:02"},
	{"neighbour solicitation", ip6,
		"60000000" + "00183aff" + "fd770000000000000000000000000001" + "ff0200000000000000000001ff000002" +
			"87000000" + "00000000" + "fd770000000000000000000000000002",
		"NDP who has fd77::2?"},
	{"neighbour advertisement", ip6,
		"60000000" + "00203aff" + "fd770000000000000000000000000002" + "fd770000000000000000000000000001" +
			"88000000" + "60000000" + "fd770000000000000000000000000002" + "0201020000000002",
		"NDP fd77::2 is at 02:00:00:00:00:02"},
	{"a TCP header cut short", ip4,
		"4500001c" + "00004000" + "40060000" + "0a4d0001" + "0a4d0002" + "9c40005000000001",
		"6, 28 bytes"},
	{"an IPv4 header longer than the packet", ip4, "4f00003c" + "00004000" + "40060000" + "0a4d0001" + "0a4d0002", ""},
	{"IPv6 said to be IPv4", ip4, "60000000" + "00000640" + "fd770000000000000000000000000001" + "fd770000000000000000000000000002", ""},
	{"nothing", ip4, "", ""},
}

func TestView(t *testing.T) {
	for _, p := range packets {
		t.Run(p.name, func(t *testing.T) {
			b, err := hex.DecodeString(p.hex)
			require.NoError(t, err)
			var v link.View
			ok := v.Parse(p.proto, b)
			require.Equal(t, p.event != "", ok)
			e, ok := v.Event(trace.In)
			require.Equal(t, p.event != "", ok)
			if ok {
				require.Equal(t, p.event, e.What.String())
			}
			if src, dst := v.Addrs(); v.TCP != nil {
				require.Equal(t, trace.Flow{Local: dst, Remote: src}, e.Flow, "in: the destination is ours")
				require.EqualValues(t, 80, dst.Port())
			}
		})
	}
	var v link.View
	b, _ := hex.DecodeString(packets[0].hex)
	require.True(t, v.Parse(ip4, b))
	require.Equal(t, netip.MustParseAddr("10.77.0.1"), first(v.Addrs()).Addr())
	require.Len(t, v.TCP, 40)
	require.Zero(t, testing.AllocsPerRun(100, func() { v.Parse(ip4, b) }))
}

func first(a, _ netip.AddrPort) netip.AddrPort { return a }

// Whatever comes, the view stays within the packet and every part of it can be
// looked at.
func FuzzView(f *testing.F) {
	for _, p := range packets {
		b, _ := hex.DecodeString(p.hex)
		f.Add(uint16(p.proto), b)
	}
	f.Fuzz(func(t *testing.T, proto uint16, b []byte) {
		var v link.View
		ok := v.Parse(tcpip.NetworkProtocolNumber(proto), b)
		e, isEvent := v.Event(trace.Out)
		if isEvent {
			require.NotEmpty(t, e.What.String())
		}
		if !ok {
			return
		}
		require.LessOrEqual(t, len(v.Payload), len(b))
		src, dst := v.Addrs()
		_, _ = src.String(), dst.String()
		if v.TCP != nil {
			require.GreaterOrEqual(t, len(v.TCP), header.TCPMinimumSize)
		}
	})
}
