package netnstests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The server answers for strata.test and everything under it, forward and
// backward, over UDP and TCP.
func TestNames(t *testing.T) {
	need(t, root, tunDevice, program("ip", "dig"))
	ns := newNamespace(t)
	serve(t, ns)
	for _, tt := range []struct {
		name, query string
		want        string
	}{
		{"A", "strata.test A", "10.77.0.2"},
		{"AAAA", "strata.test AAAA", "fd77::2"},
		{"A below", "foo.strata.test A", "10.77.0.2"},
		{"AAAA below", "foo.strata.test AAAA", "fd77::2"},
		{"upper case", "FOO.Strata.TEST A", "10.77.0.2"}, // RFC 4343
		{"PTR of IPv4", "-x 10.77.0.2", "strata.test."},
		{"PTR of IPv6", "-x fd77::2", "strata.test."},
		{"a type that is not there", "strata.test MX", ""},
	} {
		for _, way := range []string{"@10.77.0.2 +notcp", "@10.77.0.2 +tcp", "@fd77::2 +notcp", "@fd77::2 +tcp"} {
			t.Run(tt.name+" "+way, func(t *testing.T) {
				answer := dig(t, ns, way+" "+tt.query+" +short")
				require.Equal(t, tt.want, strings.TrimSpace(answer))
			})
		}
	}
	// RFC 5936 and the root are none of its business: it says so, and fast.
	require.Contains(t, dig(t, ns, "@10.77.0.2 example.com A"), "status: REFUSED")
}

func dig(t testing.TB, ns *namespace, args string) string {
	t.Helper()
	// Without +noidnin/+noedns: as people ask. The retries are for a busy machine.
	return output(t, ns.command(append([]string{"dig", "+time=10", "+tries=3"}, strings.Fields(args)...)...))
}

// A client that resolves by the server connects to it by name.
func TestByName(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"), npm)
	ns := newNamespace(t)
	ns.resolve(t, "10.77.0.2")
	s := serve(t, ns)
	require.Contains(t, s.curl(t, "http://strata.test/"), "messages")
	require.Contains(t, s.curl(t, "-6", "http://www.strata.test/"), "messages")
	startChat(t, s, "http://strata.test/", "polling,websocket")
	s.stop(t)
}
