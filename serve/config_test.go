package serve

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfigIsCheckedBeforeAnythingIsOpened(t *testing.T) {
	good := func() Config {
		return Config{
			MTU:  1500,
			Addr: netip.MustParsePrefix("10.77.0.2/24"), Peer: netip.MustParsePrefix("10.77.0.1/24"),
			Addr6: netip.MustParsePrefix("fd77::2/64"), Peer6: netip.MustParsePrefix("fd77::1/64"),
		}
	}
	c := good()
	require.NoError(t, c.validate())
	require.Equal(t, 80, c.Port)
	c = good()
	c.TLS, c.Addr6, c.Peer6 = true, netip.Prefix{}, netip.Prefix{}
	require.NoError(t, c.validate())
	require.Equal(t, 443, c.Port)

	for want, spoil := range map[string]func(*Config){
		"--mtu 67: must be from 68 to 65535":                                           func(c *Config) { c.MTU = 67 },
		"--mtu 65522: must be from 68 to 65521":                                        func(c *Config) { c.TAP, c.MTU = true, 65522 },
		"--ack-delay 500ms: must be from 0 to less than 500ms":                         func(c *Config) { c.AckDelay = 500 * time.Millisecond },
		"--port 53: the names are served there":                                        func(c *Config) { c.Port = 53 },
		"--port 70000: must be from 1 to 65535":                                        func(c *Config) { c.Port = 70000 },
		"--addr and --peer are both 10.77.0.1: the kernel needs an address of its own": func(c *Config) { c.Addr = c.Peer },
		"--addr 10.78.0.2/24 and --peer 10.77.0.1/24: must be in one network":          func(c *Config) { c.Addr = netip.MustParsePrefix("10.78.0.2/24") },
		"--peer 10.77.0.255/24: is the network's own or its broadcast address":         func(c *Config) { c.Peer = netip.MustParsePrefix("10.77.0.255/24") },
		"--addr fd77::2/64: is of the other address family":                            func(c *Config) { c.Addr = c.Addr6 },
		"--addr 127.0.0.1/8: is not an address a host can have here":                   func(c *Config) { c.Addr = netip.MustParsePrefix("127.0.0.1/8") },
		"--addr6: an address with its network's size is wanted, like fd77::2/64":       func(c *Config) { c.Addr6 = netip.Prefix{} },
	} {
		c := good()
		spoil(&c)
		require.EqualError(t, c.validate(), want)
	}
}
