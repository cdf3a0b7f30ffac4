package sweep

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What ran undisturbed counts at once; what had to wait for a processor does when
// another run says the same, and is not tried for ever.
func TestDisturbedCellsRunUntilTwoAgree(t *testing.T) {
	for _, c := range []struct {
		says   string // of the runs, one after the other
		waited string // "." was undisturbed, "x" disturbed
		want   string
		runs   int
	}{
		{"a", ".", "a", 1},
		{"ba", "x.", "a", 2},
		{"aa", "xx", "a", 2},
		{"bcac", "xxxx", "c", 4},
		{"abcdefgh", "xxxxxxxx", "h", 8},
	} {
		n := 0
		a := agreeing(func() Answer {
			n++
			return Answer{Outcome: Outcome{Error: c.says[n-1 : n]}}
		}, func(f func()) time.Duration {
			f()
			if c.waited[n-1] == 'x' {
				return time.Second
			}
			return time.Millisecond
		})
		require.Equal(t, c.want, a.Error, fmt.Sprint(c))
		require.Equal(t, c.runs, n, fmt.Sprint(c))
	}
}
