package cable

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
)

func prefixes(s ...string) (all []netip.Prefix) {
	for _, p := range s {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

func TestConfigIsCheckedBeforeAnythingIsOpened(t *testing.T) {
	good := func() Config {
		return Config{
			A:   Side{Netns: "strata-blue", Addrs: prefixes("10.78.0.1/24", "fd78::1/64")},
			B:   Side{Netns: "strata-green", Addrs: prefixes("10.78.0.2/24", "fd78::2/64")},
			MTU: 1500, Shape: link.MustParseShape("delay 80ms"),
		}
	}
	c := good()
	note, err := c.validate()
	require.NoError(t, err)
	require.Empty(t, note)

	c = good()
	c.MTU = 576 // IPv6 needs 1280
	note, err = c.validate()
	require.NoError(t, err)
	require.Contains(t, note, "no IPv6")
	require.Equal(t, prefixes("10.78.0.1/24"), c.A.Addrs)
	require.Equal(t, prefixes("10.78.0.2/24"), c.B.Addrs)

	for want, spoil := range map[string]func(*Config){
		"--mtu 67: must be from 68 to 65535":                               func(c *Config) { c.MTU = 67 },
		"--mtu 65522: must be from 68 to 65521":                            func(c *Config) { c.TAP, c.MTU = true, 65522 },
		"addresses: both sides are 10.78.0.1":                              func(c *Config) { c.B.Addrs[0] = c.A.Addrs[0] },
		"addresses 10.78.0.1/24 and 10.79.0.1/24: must be in one network":  func(c *Config) { c.B.Addrs[0] = netip.MustParsePrefix("10.79.0.1/24") },
		"addresses fd78::1/64 and 10.79.0.1/24: are of different families": func(c *Config) { c.B.Addrs[1] = netip.MustParsePrefix("10.79.0.1/24") },
		"address 127.0.0.1/8: is not one that a host can have here":        func(c *Config) { c.A.Addrs[0] = netip.MustParsePrefix("127.0.0.1/8") },
		"addresses: A has 1 and B has 2":                                   func(c *Config) { c.A.Addrs = c.A.Addrs[:1] },
	} {
		c := good()
		spoil(&c)
		_, err := c.validate()
		require.EqualError(t, err, want)
	}

	c = good()
	c.Back.Loss = link.Loss{Kind: link.LossRandom, Chance: link.Chance{P: 2}}
	_, err = c.validate()
	require.Error(t, err)

	// Two names of one namespace.
	if _, err := os.Stat("/proc/self/ns/net"); err == nil {
		c = good()
		c.A.Netns, c.B.Netns = "", "/proc/self/ns/net"
		_, err = c.validate()
		require.ErrorContains(t, err, "both ends are in network namespace this one")
	}
}

// What is not zero is told, and what always counts.
func TestTable(t *testing.T) {
	ab := closedJSON{direction: direction{Counters: link.Counters{Packets: 100, Bytes: 150000, Delivered: 97, DroppedLoss: 2}}, DeviceDropped: 1}
	require.Equal(t, `                                A to B        B to A
packets                            100             0
bytes                           150000             0
delivered                           97             0
lost at random                       2             0
dropped: device                      1             0
`, table(ab, closedJSON{}))
}
