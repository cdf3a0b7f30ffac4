package hostile

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

var (
	to4 = netip.MustParseAddr("10.0.0.2")
	to6 = netip.MustParseAddr("fd00::2")
)

// A SYN is one that every stack takes: else a flood of them would prove nothing.
func TestSYNIsValid(t *testing.T) {
	from := netip.MustParseAddrPort("10.9.1.2:1024")
	p := SYN(from, netip.AddrPortFrom(to4, 80), 7)
	ip := header.IPv4(p)
	require.True(t, ip.IsValid(len(p)))
	require.True(t, ip.IsChecksumValid())
	segment := header.TCP(ip.Payload())
	require.True(t, segment.IsChecksumValid(ip.SourceAddress(), ip.DestinationAddress(), 0, 0))
	require.Equal(t, from.Port(), segment.SourcePort())
	require.Equal(t, header.TCPFlags(header.TCPFlagSyn), segment.Flags())
	o := header.ParseSynOptions(segment.Options(), false)
	require.Equal(t, 7, o.WS)
	require.True(t, o.SACKPermitted)
	require.EqualValues(t, 1460, o.MSS)
}

// Garbage repeats with its seed, fits a packet, and is of both families.
func TestGarbage(t *testing.T) {
	a, b := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	versions := map[byte]int{}
	for range 10_000 {
		p := Garbage(a, to4, to6)
		require.Equal(t, p, Garbage(b, to4, to6))
		require.NotEmpty(t, p)
		require.LessOrEqual(t, len(p), largest)
		versions[p[0]>>4]++
	}
	require.Len(t, versions, 2)
	require.Greater(t, versions[4], 1000)
	require.Greater(t, versions[6], 1000)
}
