//go:build unix

package ws

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// descriptors is how many connections the process may have, both ends of each, of
// those that are wanted; root may have all.
func descriptors(t *testing.T, conns int) int {
	const others = 200
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	want := uint64(2*conns + others)
	if limit.Cur >= want {
		return conns
	}
	raised := syscall.Rlimit{Cur: want, Max: max(want, limit.Max)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) })
		return conns
	}
	fewer := int(limit.Max-others) / 2
	t.Logf("%d connections in place of %d: no more than %d descriptors are allowed (ulimit -Hn)", fewer, conns, limit.Max)
	return fewer
}
