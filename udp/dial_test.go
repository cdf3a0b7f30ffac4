package udp_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/udp"
)

// phonebook resolves what is in it.
type phonebook map[string][]netip.Addr

func (p phonebook) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if addrs, ok := p[network+" "+host]; ok {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// A name is looked up in its host's resolver, in the family of the network;
// where there is no route to an address the next one is taken.
func TestDialByName(t *testing.T) {
	client, server := pair(t, link.WireConfig{})
	ln, err := udp.Listen(server, "udp", ":53")
	require.NoError(t, err)
	defer ln.Close()
	d := udp.Dialer{Host: client}

	_, err = d.Dial("udp", "server:domain")
	var unknown *net.DNSError
	require.ErrorAs(t, err, &unknown)
	require.EqualError(t, err, "dial udp: lookup server: host client has no resolver")

	four, six, nowhere := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2"), netip.MustParseAddr("192.0.2.7")
	client.SetResolver(phonebook{
		"ip server": {nowhere, six, four}, "ip4 server": {four}, "ip6 server": {six},
		"ip lost": {nowhere, netip.MustParseAddr("2001:db8::1")},
	})
	for network, want := range map[string]string{"udp": "[fd00::2]:53", "udp4": "10.0.0.2:53", "udp6": "[fd00::2]:53"} {
		c, err := d.Dial(network, "server:domain")
		require.NoError(t, err)
		require.Equal(t, want, c.RemoteAddr().String())
		require.NoError(t, c.Close())
	}

	_, err = d.Dial("udp", "lost:53")
	require.ErrorIs(t, err, syscall.ENETUNREACH)
	require.EqualError(t, err, "dial udp 192.0.2.7:53: connect: network is unreachable", "the first address's error")
	_, err = d.Dial("udp", "nobody:53")
	require.ErrorAs(t, err, &unknown)
	require.True(t, unknown.IsNotFound)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.DialContext(ctx, "udp", "server:53")
	require.ErrorIs(t, err, context.Canceled)
	_, err = (&udp.ListenConfig{Host: client}).ListenPacket(ctx, "udp", ":0")
	require.ErrorIs(t, err, context.Canceled)
}

func TestDialFrom(t *testing.T) {
	client, _ := pair(t, link.WireConfig{})
	d := udp.Dialer{Host: client, LocalAddr: netip.MustParseAddrPort("10.0.0.1:5353"), ReadBuffer: 1 << 16, WriteBuffer: 1 << 16}
	c, err := d.Dial("udp", "10.0.0.2:53")
	require.NoError(t, err)
	require.Equal(t, "10.0.0.1:5353", c.LocalAddr().String())
	defer c.Close()

	_, err = d.Dial("udp", "[fd00::2]:53")
	var family *net.AddrError
	require.ErrorAs(t, err, &family)
	require.Equal(t, "mismatched local address family", family.Err)

	d.LocalAddr = netip.MustParseAddrPort("10.0.0.9:0")
	_, err = d.Dial("udp", "10.0.0.2:53")
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	require.EqualError(t, err, "dial udp 10.0.0.9:0->10.0.0.2:53: bind: cannot assign requested address")
}

// An address that means nothing without its link is given with the link's
// number, and must be given with it.
func TestLinkLocal(t *testing.T) {
	wire := link.NewWire(link.WireConfig{})
	a, b := stack.New(stack.Config{Name: "a"}), stack.New(stack.Config{Name: "b"})
	defer func() {
		require.NoError(t, errors.Join(a.Close(), b.Close(), wire.Close()))
	}()
	_, err := a.Attach(wire.A(), netip.MustParsePrefix("fe80::1/64"))
	require.NoError(t, err)
	_, err = b.Attach(wire.B(), netip.MustParsePrefix("fe80::2/64"))
	require.NoError(t, err)

	server, err := udp.Listen(b, "udp6", ":53")
	require.NoError(t, err)
	defer server.Close()
	d := udp.Dialer{Host: a}
	c, err := d.Dial("udp", "[fe80::2%2]:53") // 1 is the loopback
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, errors.Join(server.SetDeadline(time.Now().Add(10*time.Second)), c.SetDeadline(time.Now().Add(10*time.Second))))
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	buf := make([]byte, 10)
	n, from, err := server.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)
	require.Equal(t, "hello", string(buf[:n]))
	require.Equal(t, "fe80::1%2", from.Addr().String())
	_, err = server.WriteToUDPAddrPort([]byte("welcome"), from)
	require.NoError(t, err)
	n, err = c.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "welcome", string(buf[:n]))

	for _, zone := range []string{"eth0", "0", "-1", "99"} {
		_, err = d.Dial("udp", "[fe80::2%"+zone+"]:53")
		require.Error(t, err, zone)
	}
}
