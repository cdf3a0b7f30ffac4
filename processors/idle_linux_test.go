package processors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseIdle(t *testing.T) {
	idle, ok := parseIdle([]byte("cpu  2767480 1233716 992195 2052744 6207 0 133539 10383 0 0\ncpu0 1 2 3 4\n"))
	require.True(t, ok)
	require.Equal(t, (20527440+12337160)*time.Millisecond, idle, "idle, and nice")
	// Of a large machine that has been up for long: 24 years, together.
	idle, ok = parseIdle([]byte("cpu 1 2 3 76000000000"))
	require.True(t, ok)
	require.Equal(t, 760_000_000*time.Second+20*time.Millisecond, idle)
	for _, bad := range []string{"", "cpu", "cpu 1 2 3", "cpu 1 2 3 x", "cpu 1 2 3 -4", "cpu 1 x 3 4", "cpu 1 2 3 9223372036854775807", "intr 1 2 3 4 5"} {
		_, ok := parseIdle([]byte(bad))
		require.False(t, ok, bad)
	}
	now, ok := idleTime()
	require.True(t, ok)
	require.Positive(t, now)
}
