package netconf_test

import (
	"io/fs"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"strata/tun"
	"strata/tun/internal/nstest"
	"strata/tun/netconf"
)

// devices opens TUN devices in a namespace of the test's own.
func devices(t *testing.T, names ...string) (ns string) {
	t.Helper()
	ns = nstest.New(t)
	for _, name := range names {
		d, err := tun.Open(tun.Config{Name: name, Netns: ns})
		require.NoError(t, err)
		t.Cleanup(d.Close)
	}
	return ns
}

func inside(t *testing.T, ns string, f func() error) {
	t.Helper()
	require.NoError(t, netconf.InNamespace(ns, f))
}

// addresses of a device, link-local ones left out.
func addresses(t *testing.T, ns, dev string) (prefixes []string) {
	inside(t, ns, func() error {
		l, err := netlink.LinkByName(dev)
		if err != nil {
			return err
		}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		for _, a := range addrs {
			if !a.IP.IsLinkLocalUnicast() {
				prefixes = append(prefixes, a.IPNet.String())
			}
		}
		return err
	})
	return prefixes
}

func prefixes(s ...string) (out []netip.Prefix) {
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestConfigure(t *testing.T) {
	ns := devices(t, "strata0")
	c := netconf.Config{MTU: 9000, Addrs: prefixes("10.77.0.1/24", "fd77::1/64"), Up: true}
	require.NoError(t, netconf.Configure(ns, "strata0", c))
	require.ElementsMatch(t, []string{"10.77.0.1/24", "fd77::1/64"}, addresses(t, ns, "strata0"))
	inside(t, ns, func() error {
		l, err := netlink.LinkByName("strata0")
		require.NoError(t, err)
		require.Equal(t, 9000, l.Attrs().MTU)
		require.NotZero(t, l.Attrs().Flags&net.FlagUp)
		addrs, err := netlink.AddrList(l, netlink.FAMILY_V6)
		for _, a := range addrs {
			if !a.IP.IsLinkLocalUnicast() {
				require.Zero(t, a.Flags&unix.IFA_F_TENTATIVE, "nobody looks for a duplicate first")
			}
		}
		return err
	})
	// Both addresses are in use when Configure returns: a socket can be bound.
	for _, addr := range []string{"10.77.0.1:0", "[fd77::1]:0"} {
		inside(t, ns, func() error {
			c, err := net.ListenPacket("udp", addr)
			if err == nil {
				c.Close()
			}
			return err
		})
	}

	// The same again changes nothing and is no error; nothing asked, nothing done.
	require.NoError(t, netconf.Configure(ns, "strata0", c))
	require.NoError(t, netconf.Configure(ns, "strata0", netconf.Config{}))
	require.Len(t, addresses(t, ns, "strata0"), 2)
}

// An empty namespace is the caller's: for whoever is inside one already.
func TestConfigureWhereTheCallerIs(t *testing.T) {
	ns := devices(t, "strata0")
	inside(t, ns, func() error {
		return netconf.Configure("", "strata0", netconf.Config{Addrs: prefixes("10.77.0.1/24"), Up: true})
	})
	require.Equal(t, []string{"10.77.0.1/24"}, addresses(t, ns, "strata0"))
}

// A single address, and a peer outside of it: the peer is reached by a route.
func TestPeers(t *testing.T) {
	ns := devices(t, "strata0")
	c := netconf.Config{
		Addrs: prefixes("10.77.0.1/32", "fd77::1/128"),
		Peers: []netip.Addr{netip.MustParseAddr("10.99.0.2"), netip.MustParseAddr("fd99::2")},
		Up:    true,
	}
	require.NoError(t, netconf.Configure(ns, "strata0", c))
	require.NoError(t, netconf.Configure(ns, "strata0", c), "again")
	inside(t, ns, func() error {
		l, err := netlink.LinkByName("strata0")
		if err != nil {
			return err
		}
		for _, peer := range c.Peers {
			routes, err := netlink.RouteGet(peer.AsSlice())
			require.NoError(t, err)
			require.Equal(t, l.Attrs().Index, routes[0].LinkIndex)
		}
		return nil
	})

	ns = devices(t, "strata0")
	c.Up = false
	err := netconf.Configure(ns, "strata0", c)
	require.ErrorIs(t, err, unix.ENETDOWN)
	require.ErrorContains(t, err, "netconf: strata0: add the route to 10.99.0.2")
	require.ErrorContains(t, err, "a route needs the device up")
}

// What another device has is not taken away from it: the error names the
// device, and nothing was changed.
func TestConflicts(t *testing.T) {
	ns := devices(t, "eth0", "strata0")
	require.NoError(t, netconf.Configure(ns, "eth0", netconf.Config{Addrs: prefixes("10.77.0.1/24", "fd77::1/64"), Up: true}))
	inside(t, ns, func() error { // a default route is in nobody's way
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		_, all, _ := net.ParseCIDR("0.0.0.0/0")
		return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: all, Gw: net.IPv4(10, 77, 0, 254)})
	})
	for _, c := range []struct {
		name string
		in   netconf.Config
		want string
	}{
		{"the same address", netconf.Config{Addrs: prefixes("10.77.0.1/32")}, "netconf: strata0: the address 10.77.0.1: device eth0 has it already (another device has it); choose another"},
		{"the same IPv6 address", netconf.Config{Addrs: prefixes("fd77::1/128")}, "netconf: strata0: the address fd77::1: device eth0 has it already (another device has it); choose another"},
		{"the peer is the kernel's own", netconf.Config{Addrs: prefixes("10.78.0.1/24"), Peers: []netip.Addr{netip.MustParseAddr("10.77.0.1")}}, "netconf: strata0: the peer 10.77.0.1 is an address of this kernel's own device eth0 (another device has it); choose another"},
		{"the same subnet", netconf.Config{Addrs: prefixes("10.77.0.9/24")}, "netconf: strata0: the subnet 10.77.0.0/24 overlaps 10.77.0.0/24, which is routed through eth0 (another device has it); choose another"},
		{"a part of it", netconf.Config{Addrs: prefixes("10.77.0.9/30")}, "netconf: strata0: the subnet 10.77.0.8/30 overlaps 10.77.0.0/24, which is routed through eth0 (another device has it); choose another"},
		{"one around it", netconf.Config{Addrs: prefixes("10.1.2.3/8")}, "netconf: strata0: the subnet 10.0.0.0/8 overlaps 10.77.0.0/24, which is routed through eth0 (another device has it); choose another"},
		{"the same IPv6 subnet", netconf.Config{Addrs: prefixes("fd77::9/64")}, "netconf: strata0: the subnet fd77::/64 overlaps fd77::/64, which is routed through eth0 (another device has it); choose another"},
		{"a peer in it", netconf.Config{Addrs: prefixes("10.78.0.1/24"), Peers: []netip.Addr{netip.MustParseAddr("10.77.0.9")}}, "netconf: strata0: the subnet 10.77.0.9/32 overlaps 10.77.0.0/24, which is routed through eth0 (another device has it); choose another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Up = true
			err := netconf.Configure(ns, "strata0", c.in)
			require.EqualError(t, err, c.want)
			require.ErrorIs(t, err, netconf.ErrConflict)
			require.Empty(t, addresses(t, ns, "strata0"))
		})
	}
	// A subnet of its own is fine beside all that.
	require.NoError(t, netconf.Configure(ns, "strata0", netconf.Config{Addrs: prefixes("10.78.0.1/24", "fd78::1/64"), Up: true}))
}

func TestUnknownDeviceAndNamespace(t *testing.T) {
	ns := nstest.New(t)
	err := netconf.Configure(ns, "strata0", netconf.Config{})
	require.ErrorIs(t, err, unix.ENODEV)
	require.ErrorContains(t, err, "there is no device strata0 in this network namespace")

	err = netconf.Configure("no-such-namespace", "strata0", netconf.Config{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// What the kernel refuses comes back as an error that names what was tried.
func TestTheKernelRefuses(t *testing.T) {
	ns := devices(t, "strata0")
	err := netconf.Configure(ns, "strata0", netconf.Config{MTU: 65536})
	require.ErrorIs(t, err, unix.EINVAL)
	require.ErrorContains(t, err, "netconf: strata0: set the MTU to 65536: ")

	inside(t, ns, func() error {
		return os.WriteFile("/proc/sys/net/ipv6/conf/strata0/disable_ipv6", []byte("1"), 0)
	})
	err = netconf.Configure(ns, "strata0", netconf.Config{Addrs: prefixes("fd77::1/64"), Up: true})
	require.ErrorContains(t, err, "netconf: strata0: add the address fd77::1/64: ")
	require.ErrorContains(t, err, "sysctl net.ipv6.conf.strata0.disable_ipv6=0")
}

// In a new namespace lo is down, and not even 127.0.0.1 can be reached.
func TestLoopbackUp(t *testing.T) {
	ns := nstest.New(t)
	dial := func() error {
		return netconf.InNamespace(ns, func() error {
			c, err := net.Dial("udp", "127.0.0.1:9")
			if err == nil {
				c.Close()
			}
			return err
		})
	}
	require.ErrorIs(t, dial(), unix.ENETUNREACH)
	require.NoError(t, netconf.LoopbackUp(ns))
	require.NoError(t, dial())
	require.NoError(t, netconf.LoopbackUp(ns), "again")
}
