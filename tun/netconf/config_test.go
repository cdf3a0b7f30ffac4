package netconf

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfigSaysWhatIsWrongInOneLine(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	for _, c := range []struct {
		dev  string
		in   Config
		want string
	}{
		{"", Config{}, "netconf: no device was named"},
		{"d0", Config{MTU: -1}, "netconf: d0: MTU -1 is negative"},
		{"d0", Config{Addrs: []netip.Prefix{{}}}, "netconf: d0: an address without a valid prefix length"},
		{"d0", Config{Peers: []netip.Addr{{}}}, "netconf: d0: an invalid peer address"},
		{"d0", Config{Addrs: []netip.Prefix{prefix("::ffff:10.0.0.1/128")}}, "netconf: d0: ::ffff:10.0.0.1 is an IPv4 address in IPv6 form: write 10.0.0.1"},
		{"d0", Config{Addrs: []netip.Prefix{prefix("0.0.0.0/0")}}, "netconf: d0: 0.0.0.0 is not the address of a host"},
		{"d0", Config{Peers: []netip.Addr{addr("ff02::1")}}, "netconf: d0: ff02::1 is not the address of a host"},
		{"d0", Config{Peers: []netip.Addr{addr("fe80::1%eth0")}}, "netconf: d0: fe80::1%eth0: leave the zone out"},
		{"d0", Config{MTU: 576, Addrs: []netip.Prefix{prefix("10.0.0.1/24"), prefix("fd77::1/64")}}, "netconf: d0: IPv6 (fd77::1) needs an MTU of 1280 or more, not 576"},
	} {
		require.EqualError(t, Configure("", c.dev, c.in), c.want)
	}
}

func TestPeersInsideTheSubnetsNeedNoRoute(t *testing.T) {
	c := Config{
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fd77::1/128")},
		Peers: []netip.Addr{netip.MustParseAddr("10.77.0.2"), netip.MustParseAddr("10.78.0.2"), netip.MustParseAddr("fd77::2")},
	}
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.78.0.2/32"), netip.MustParsePrefix("fd77::2/128")}, c.routes())
}
