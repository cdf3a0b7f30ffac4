package netnstests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// IPv6 is left out by either of its flags, and then the kernel has no address
// for it either.
func TestWithoutIPv6(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	for _, flags := range []string{"--addr6=", "--peer6=", "--addr6= --peer6="} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newNamespace(t), strings.Fields(flags)...)
			require.Equal(t, []string{"http://10.77.0.2/"}, s.ready.HTTP)
			require.Empty(t, s.ready.Note, "it was asked for")
			for _, prefix := range s.ns.device(t, s.ready.Device).prefixes() {
				require.False(t, strings.HasPrefix(prefix, "fd77:"), prefix)
			}
			require.Contains(t, s.curl(t, s.url()), "messages")
			s.stop(t)
		})
	}
}
