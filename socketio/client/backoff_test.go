package client

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// constant is a source of randomness whose every draw is r.
func constant(r float64) *bytes.Reader {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(r*(1<<53))<<11)
	return bytes.NewReader(bytes.Repeat(b[:], 100))
}

// The delays of the official client: doubled, moved by up to half, cut off after
// that.
func TestBackoff(t *testing.T) {
	ms := func(n ...int) (d []time.Duration) {
		for _, n := range n {
			d = append(d, time.Duration(n)*time.Millisecond)
		}
		return d
	}
	for _, c := range []struct {
		draw, jitter float64
		want         []time.Duration
	}{
		{0, -1, ms(1000, 2000, 4000, 5000, 5000)},
		{0, 0.5, ms(1000, 2000, 4000, 5000)},     // moved by nothing
		{0.375, 0.5, ms(1187, 2375, 4750, 5000)}, // floor(3.75) is odd: up
		{0.25, 0.5, ms(875, 1750, 3500, 5000)},   // floor(2.5) is even: down
		{0.875, 0.5, ms(563, 1125, 2250, 4500)},  // cut off after it was moved
	} {
		b := backoff{least: time.Second, most: 5 * time.Second, jitter: c.jitter, rand: constant(c.draw)}
		for i, want := range c.want {
			require.Equal(t, want, b.next(), "%v attempt %d", c, i)
		}
		for range 90 {
			require.LessOrEqual(t, b.next(), 5*time.Second, "however often")
		}
	}
}
