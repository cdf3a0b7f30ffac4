package netnstests

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every size of packet, on every kind of device, with and without offloads:
// pings that fill a packet and pings that need many, WebSocket and Socket.IO.
func TestMTU(t *testing.T) {
	need(t, root, tunDevice, program("ip", "ping"), npm)
	for _, device := range []struct {
		name string
		args []string
		mtus []int
	}{
		{"tun", nil, []int{576, 1280, 1500, 9000, 65535}},
		{"tap", []string{"--tap"}, []int{576, 1280, 1500, 9000, 65521}},
	} {
		for _, mtu := range device.mtus {
			for _, offload := range []string{"on", "off"} {
				t.Run(fmt.Sprintf("%s mtu %d offload %s", device.name, mtu, offload), func(t *testing.T) {
					t.Parallel()
					ns := newNamespace(t)
					s := serve(t, ns, append(slices.Clone(device.args), "--mtu", strconv.Itoa(mtu), "--offload", offload)...)
					dev := ns.device(t, s.ready.Device)
					require.Equal(t, mtu, dev.MTU, "the kernel's side")
					require.Equal(t, mtu, s.ready.MTU, "our side")

					ping(t, ns, "10.77.0.2", mtu-28, "-M", "do") // IPv4 header 20, ICMP header 8
					ping(t, ns, "10.77.0.2", 20000)
					if mtu >= 1280 {
						ping(t, ns, "fd77::2", mtu-48, "-M", "do") // IPv6 header 40, ICMPv6 header 8
						ping(t, ns, "fd77::2", 20000)
					} else {
						// RFC 8200 §5: every link of IPv6 carries 1280 bytes.
						require.Len(t, s.ready.HTTP, 1, "IPv4 only")
						require.Contains(t, s.ready.Note, "IPv6", "and it says so")
						require.NotContains(t, strings.Join(dev.prefixes(), " "), "fd77::")
					}

					echo := startEcho(t, s, s.url(), echoSizes)
					startChat(t, s, s.url(), "polling,websocket")
					shake := s.handshake(t)
					for _, e := range shake[:2] {
						require.EqualValues(t, mtu-40, e.Segment.Options.MSS, "MSS of %s: the MTU without the IPv4 and TCP headers", e.Segment.Flags)
					}
					s.stop(t)
					requireGoingAway(t, echo)
				})
			}
		}
	}
}

// ping sends one echo request with this many bytes of data and wants its reply.
func ping(t testing.TB, ns *namespace, host string, size int, args ...string) {
	t.Helper()
	args = append([]string{"ping", "-n", "-c", "1", "-W", "10", "-s", strconv.Itoa(min(size, 65507))}, args...)
	require.Contains(t, output(t, ns.command(append(args, host)...)), " 0% packet loss")
}
