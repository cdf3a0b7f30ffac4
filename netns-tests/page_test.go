package netnstests

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The demo page is there for curl, whatever the device, over both versions of
// IP, and has what the browser's tests use.
func TestPage(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	for _, tt := range []struct {
		name   string
		args   []string
		tls    bool
		byPath bool // the namespace
	}{
		{name: "tun"},
		{name: "tun without offload", args: []string{"--offload", "off"}},
		{name: "tun over TLS", args: []string{"--tls"}, tls: true},
		{name: "tap", args: []string{"--tap"}},
		{name: "tap over TLS", args: []string{"--tap", "--tls"}, tls: true},
		{name: "another port", args: []string{"--port", "8080"}},
		{name: "other addresses", args: []string{"--addr", "192.0.2.130/26", "--peer", "192.0.2.131/26", "--tun", "other0"}},
		{name: "namespace by its path", byPath: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.tls {
				need(t, npm)
			}
			t.Parallel()
			ns := newNamespace(t)
			if tt.byPath {
				tt.args = append(tt.args, "--netns", "/run/netns/"+ns.name) // the last one counts
			}
			s := serve(t, ns, tt.args...)
			require.Equal(t, tt.tls, s.ready.Fingerprint != "", "a fingerprint is given with TLS, and only then")
			for _, url := range []string{s.url(), s.url6(t)} {
				page := s.curl(t, url)
				for _, id := range []string{"message", "form", "messages", "status"} {
					require.Regexp(t, `id="?`+id+`["\s>]`, page, "the page at %s", url)
				}
			}
			// The first of the two conversations was told from its first segment on.
			shake := s.handshake(t)
			require.Equal(t, [3]string{"in", "out", "in"}, [3]string{shake[0].Dir, shake[1].Dir, shake[2].Dir})
			require.Equal(t, shake[0].Segment.Seq+1, shake[1].Segment.Ack, "our SYN-ACK acknowledges the kernel's SYN")
			require.Equal(t, shake[1].Segment.Seq+1, shake[2].Segment.Ack, "the kernel's ACK acknowledges our SYN-ACK")
			require.Contains(t, s.url(), hostOf(t, shake[0].Local), "the address that was asked is ours")
			s.stop(t)
		})
	}
}

// hostOf is the address of "address:port", as a URL has it.
func hostOf(t testing.TB, addrPort string) string {
	t.Helper()
	ap, err := netip.ParseAddrPort(addrPort)
	require.NoError(t, err)
	return ap.Addr().String()
}
