package link

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every name gives two valid directions that are written and read back.
func TestPresets(t *testing.T) {
	require.Equal(t, []string{"3g", "5g", "cable", "dsl", "edge", "lte", "satellite-geo", "starlink", "train", "wifi-busy"}, Presets())
	for _, name := range Presets() {
		down, up, ok := Preset(name)
		require.True(t, ok, name)
		for _, s := range []Shape{down, up} {
			require.NoError(t, s.Validate(), name)
			require.Equal(t, s, MustParseShape(s.String()), name)

			// A full queue of the largest packets takes from a tenth of a
			// second to 1.5 s: less would starve TCP, more is no typical link.
			full := time.Duration(float64(s.Queue.Packets*1500*8) / float64(s.Rate.Bits) * float64(time.Second))
			require.GreaterOrEqual(t, full, 100*time.Millisecond, name)
			require.LessOrEqual(t, full, 1500*time.Millisecond, name)
		}
		require.GreaterOrEqual(t, down.Rate.Bits, up.Rate.Bits, name)
	}
	_, _, ok := Preset("4g")
	require.False(t, ok)
}
