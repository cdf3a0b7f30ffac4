package tun

import (
	"bytes"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfigSaysWhatIsWrongInOneLine(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Config
		want string
	}{
		{"MTU below IPv4's least", Config{MTU: 67}, "tun: MTU 67 is out of range: a TUN device takes 68 to 65535"},
		{"negative MTU", Config{MTU: -1}, "tun: MTU -1 is out of range: a TUN device takes 68 to 65535"},
		{"MTU above 16 bits", Config{MTU: 65536}, "tun: MTU 65536 is out of range: a TUN device takes 68 to 65535"},
		{"TAP has an Ethernet header", Config{MTU: 65522, TAP: true}, "tun: MTU 65522 is out of range: a TAP device takes 68 to 65521"},
		{"16 bytes", Config{Name: "abcdefghijklmnop"}, `tun: device name "abcdefghijklmnop" is too long: 16 bytes, at most 15`},
		{"a slash", Config{Name: "a/b"}, `tun: device name "a/b": no spaces, control characters, '/', ':' or '%'`},
		{"a pattern", Config{Name: "tun%d"}, `tun: device name "tun%d": no spaces, control characters, '/', ':' or '%'`},
		{"a zero byte", Config{Name: "a\x00"}, `tun: device name "a\x00": no spaces, control characters, '/', ':' or '%'`},
		{"a directory", Config{Name: ".."}, `tun: device name ".." is not a name`},
		{"no such offload", Config{Offload: 3}, "tun: Offload(3): there are only Auto, On and Off"},
		{"a MAC without Ethernet", Config{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}, "tun: a TUN device has no MAC; ask for a TAP device, or leave the MAC out"},
		{"a MAC of 8 bytes", Config{TAP: true, MAC: make(net.HardwareAddr, 8)}, "tun: MAC 00:00:00:00:00:00:00:00 has 8 bytes; Ethernet's have 6"},
		{"a group's MAC", Config{TAP: true, MAC: net.HardwareAddr{1, 0, 0x5e, 0, 0, 1}}, "tun: MAC 01:00:5e:00:00:01 is a group address; a host's first byte is even"},
		{"no randomness", Config{TAP: true, Rand: bytes.NewReader(make([]byte, 5))}, "tun: a random MAC: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.in)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := Config{}.check()
	require.NoError(t, err)
	require.Equal(t, 1500, c.MTU)
	require.Empty(t, c.MAC)

	// The limits themselves are allowed.
	for _, c := range []Config{{MTU: 68}, {MTU: 65535}, {MTU: 65521, TAP: true}, {Name: "abcdefghijklmno"}} {
		_, err := c.check()
		require.NoError(t, err)
	}
}

// A random MAC is a station's own (not a group's), marked as locally
// administered, and comes from the randomness that was given.
func TestRandomMAC(t *testing.T) {
	c, err := Config{TAP: true, Rand: bytes.NewReader([]byte{0xff, 1, 2, 3, 4, 5})}.check()
	require.NoError(t, err)
	require.Equal(t, "fe:01:02:03:04:05", c.MAC.String())

	c, err = Config{TAP: true, Rand: bytes.NewReader([]byte{0, 1, 2, 3, 4, 5})}.check()
	require.NoError(t, err)
	require.Equal(t, "02:01:02:03:04:05", c.MAC.String())

	a, err := Config{TAP: true}.check()
	require.NoError(t, err)
	b, err := Config{TAP: true}.check()
	require.NoError(t, err)
	require.NotEqual(t, a.MAC, b.MAC) // 2^46 of them
}

func TestOffloadNames(t *testing.T) {
	for _, o := range []Offload{Auto, On, Off} {
		got, err := ParseOffload(o.String())
		require.NoError(t, err)
		require.Equal(t, o, got)
	}
	_, err := ParseOffload("maybe")
	require.EqualError(t, err, `offload "maybe": it is auto, on or off`)
	require.Equal(t, "Offload(7)", Offload(7).String())
}
