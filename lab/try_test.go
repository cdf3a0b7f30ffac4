package lab_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
)

// A world that fails says how, and leaves the test around it alone; so does one
// in real time.
func TestTryGivesHowAWorldFailed(t *testing.T) {
	for name, opts := range map[string][]lab.Option{"virtual": nil, "real": {lab.RealTime()}} {
		broken := errors.New("broken")
		require.ErrorIs(t, lab.Try(t, func(*lab.World) error { return broken }, opts...), broken, name)
		require.ErrorContains(t, lab.Try(t, func(w *lab.World) error {
			w.Connect(w.Host("a"), w.Host("b"), link.Shape{})
			w.Within(time.Millisecond, func() bool { return false })
			return nil
		}, opts...), "did not happen", name)
		require.NoError(t, lab.Try(t, func(*lab.World) error { return nil }, opts...), name)
	}
	require.False(t, t.Failed())
}

// Chance by name is the seed's: the same again, another for another name or seed.
func TestRandIsTheSeeds(t *testing.T) {
	draw := func(seed uint64, name string) (drawn [8]byte) {
		require.NoError(t, lab.Try(t, func(w *lab.World) error {
			_, err := io.ReadFull(w.Rand(name), drawn[:])
			return err
		}, lab.Seed(seed)))
		return drawn
	}
	require.Equal(t, draw(1, "ids"), draw(1, "ids"))
	require.NotEqual(t, draw(1, "ids"), draw(1, "masks"))
	require.NotEqual(t, draw(1, "ids"), draw(2, "ids"))
}
