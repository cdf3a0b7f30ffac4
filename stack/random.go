package stack

import (
	"encoding/binary"
	"io"
	"sync"
)

// random makes a reader safe for many goroutines, and cheap for the few bytes
// that the stack asks for at a time.
type random struct {
	mu   sync.Mutex
	from io.Reader
	buf  [512]byte
	rest []byte // of buf, not given out yet
}

func newRandom(from io.Reader) *random { return &random{from: from} }

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(p) {
		if len(r.rest) == 0 {
			if _, err := io.ReadFull(r.from, r.buf[:]); err != nil {
				return n, err
			}
			r.rest = r.buf[:]
		}
		k := copy(p[n:], r.rest)
		clear(r.rest[:k]) // given out once
		r.rest = r.rest[k:]
		n += k
	}
	return n, nil
}

// randSource is math/rand's Source over a reader.
type randSource struct{ r io.Reader }

func (s randSource) Int63() int64 { return int64(s.Uint64() >> 1) }

func (s randSource) Uint64() uint64 {
	var b [8]byte
	if _, err := io.ReadFull(s.r, b[:]); err != nil {
		panic("strata/stack: no randomness: " + err.Error())
	}
	return binary.LittleEndian.Uint64(b[:])
}

// Seed does nothing: the reader is the seed.
func (s randSource) Seed(int64) {}
