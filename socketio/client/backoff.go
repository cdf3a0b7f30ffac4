package client

import (
	"encoding/binary"
	"io"
	"math"
	"time"
)

// backoff is how long to wait before the next attempt to connect, by the
// official client's rule: it doubles, is moved by chance, and then cut off.
type backoff struct {
	least, most time.Duration
	jitter      float64 // part of the delay; 0 or less: none
	rand        io.Reader
	attempts    int
}

// next is the delay before the next attempt, which it counts.
func (b *backoff) next() time.Duration {
	ms := float64(b.least.Milliseconds()) * math.Pow(2, float64(min(b.attempts, 62)))
	b.attempts++
	if b.jitter > 0 {
		r := b.draw()
		deviation := math.Floor(r * b.jitter * ms)
		if int(math.Floor(r*10))&1 == 0 {
			deviation = -deviation
		}
		ms += deviation
	}
	return min(b.most, time.Duration(min(ms, float64(b.most.Milliseconds())))*time.Millisecond)
}

// draw is a number from 0 to below 1.
func (b *backoff) draw() float64 {
	var raw [8]byte
	if _, err := io.ReadFull(b.rand, raw[:]); err != nil {
		return 0.5
	}
	return float64(binary.LittleEndian.Uint64(raw[:])>>11) / (1 << 53)
}
