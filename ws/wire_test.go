package ws

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// The whole table over two hosts of ours that a wire in memory joins, in both
// modes: what is asked of the kernel's sockets is asked of our stack.
func TestConformanceOverOurStack(t *testing.T) {
	w := link.NewWire(link.WireConfig{})
	near, far := stack.New(stack.Config{Name: "near"}), stack.New(stack.Config{Name: "far"})
	_, err := near.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(t, err)
	_, err = far.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(t, err)
	ln, err := tcp.Listen(far, "tcp", "10.0.0.2:80")
	require.NoError(t, err)
	defer func() {
		require.NoError(t, ln.Close())
		require.NoError(t, near.Close())
		require.NoError(t, far.Close())
		require.NoError(t, w.Close())
	}()
	var one sync.Mutex
	pair := func(t testing.TB) (a, b net.Conn) {
		one.Lock()
		defer one.Unlock()
		b, err := (&tcp.Dialer{Host: near}).Dial("tcp", "10.0.0.2:80")
		require.NoError(t, err)
		a, err = ln.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { a.Close(); b.Close() })
		_, ready := a.(Readiness)
		require.True(t, ready, "event mode over our stack needs no goroutine")
		return a, b
	}
	table := append(conformance(), conformanceOfDeflate(t)...)
	t.Run("table", func(t *testing.T) {
		for _, client := range []bool{false, true} {
			for _, s := range table {
				t.Run(fmt.Sprintf("client %v/%s", client, s.name), func(t *testing.T) {
					t.Parallel()
					s.run(t, pair, client, 0)
					s.runWith(t, pair, client, 0, handled)
				})
			}
		}
	})
	for _, s := range conformanceOfSizes() {
		if len(s.want[0].payload) <= 1<<20 {
			t.Run(s.name, func(t *testing.T) { s.run(t, pair, false, 0) })
		}
	}
}
