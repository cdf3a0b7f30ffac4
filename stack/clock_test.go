package stack

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
)

func TestMonotonic(t *testing.T) {
	for _, d := range []time.Duration{0, 1, -1, time.Second, time.Hour, 1e6 * time.Hour, math.MaxInt64} {
		require.Equal(t, tcpip.MonotonicTime{}.Add(d), monotonic(d))
	}
}
