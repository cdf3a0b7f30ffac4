package netnstests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The sizes about which a WebSocket's length field changes (RFC 6455 §5.2), a
// mebibyte, and the largest message that the echo takes.
var (
	echoSizes     = []int{0, 1, 125, 126, 65535, 65536, 1 << 20}
	echoSizesFull = append(echoSizes[:len(echoSizes):len(echoSizes)], 16<<20)
)

// npm's WebSocket client: text and binary of every size come back, and it is
// told 1001, "going away", when the server stops.
func TestEcho(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	for _, tt := range []struct {
		name string
		args []string
		ipv6 bool
	}{
		{name: "tun"},
		{name: "tun over IPv6", ipv6: true},
		{name: "tun without offload", args: []string{"--offload", "off"}},
		{name: "tun over TLS", args: []string{"--tls"}},
		{name: "tap", args: []string{"--tap"}},
		{name: "tap over TLS and IPv6", args: []string{"--tap", "--tls"}, ipv6: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newNamespace(t), tt.args...)
			url := s.url()
			if tt.ipv6 {
				url = s.url6(t)
			}
			client := startEcho(t, s, url, echoSizesFull)
			s.stop(t)
			requireGoingAway(t, client)
		})
	}
}

// startEcho has every size echoed, as text and as binary, checks it, and leaves
// the client connected.
func startEcho(t testing.TB, s *server, url string, sizes []int) *process {
	t.Helper()
	var want, list []string
	for _, n := range sizes {
		list = append(list, fmt.Sprint(n))
		want = append(want, fmt.Sprintf("text %d", n), fmt.Sprintf("binary %d", n))
	}
	client := s.ns.node(t, "echo.mjs", echoURL(url), strings.Join(list, ","), s.ready.Fingerprint)
	got := report[struct{ Echoed []string }](t, client, "echoed")
	require.Equal(t, append(want, "fragments", "ping"), got.Echoed)
	return client
}

// requireGoingAway checks that the client of startEcho was told that its server
// goes (RFC 6455 §7.4.1), and ended well.
func requireGoingAway(t testing.TB, client *process) {
	t.Helper()
	require.Equal(t, 1001, report[struct{ Code int }](t, client, "closed").Code)
	require.Equal(t, 0, client.exit(t))
}
