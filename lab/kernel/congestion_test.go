//go:build linux

package kernel

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"strata/internal/nobody"
	"strata/lab/workload"
)

// Sockets of both sides have the congestion control that was asked for, and Reno
// where none was, whatever the machine's is; so do accepted ones.
func TestSocketsHaveTheCongestionControlAskedFor(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	for asked, want := range map[string]string{"": "reno", "reno": "reno", "cubic": "cubic"} {
		t.Run("asked "+asked, func(t *testing.T) {
			bulk, err := workload.Find("bulk")
			require.NoError(t, err)
			p, err := bulk.Params(nil)
			require.NoError(t, err)
			p.CongestionControl = asked
			if err := Ready(p); err != nil && asked == "cubic" {
				t.Skip(err)
			}
			n, err := newNetwork(t.Context(), p, 1)
			if n != nil {
				defer n.close()
			}
			require.NoError(t, err)
			ln, err := n.Server().Listen(":80")
			require.NoError(t, err)
			defer ln.Close()
			client, err := n.Clients()[0].DialContext(t.Context(), "tcp", "server:80")
			require.NoError(t, err)
			defer client.Close()
			server, err := ln.Accept()
			require.NoError(t, err)
			defer server.Close()
			for _, c := range []net.Conn{client, server} {
				raw, err := c.(conn).SyscallConn()
				require.NoError(t, err)
				var got string
				require.NoError(t, raw.Control(func(fd uintptr) {
					got, err = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
				}))
				require.NoError(t, err)
				require.Equal(t, want, got, c.LocalAddr())
			}
		})
	}
}

// Who may not is told so before anything is made, and how it could be.
func TestReadyTellsWhatIsMissing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to do without")
	}
	err := nobody.Call(func() error { return Ready(&workload.Params{}) })
	require.EqualError(t, err, "the kernel engine needs root, to make network namespaces: run it with sudo, or without --kernel")

	words := func(file string) []string {
		b, err := os.ReadFile("/proc/sys/net/ipv4/" + file)
		require.NoError(t, err)
		return strings.Fields(string(b))
	}
	allowed := words("tcp_allowed_congestion_control")
	for _, name := range words("tcp_available_congestion_control") {
		err := nobody.Call(func() error { return tryCongestionControl(name) })
		if slices.Contains(allowed, name) {
			require.NoError(t, err, name)
			continue
		}
		require.EqualError(t, err, fmt.Sprintf("congestion control %s is not allowed here (as root: sysctl -w net.ipv4.tcp_allowed_congestion_control=\"%s %s\")",
			name, strings.Join(allowed, " "), name))
	}
}
