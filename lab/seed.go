package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// derive makes a seed of its own for each thing of a world, from the world's
// seed and what the thing is called: adding a host or a wire moves no other's.
func derive(seed uint64, what string) [32]byte {
	return sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), what...))
}

func derive64(seed uint64, what string) uint64 {
	d := derive(seed, what)
	return binary.LittleEndian.Uint64(d[:])
}

// random is an endless reader that its seed decides.
func random(seed uint64, what string) io.Reader { return rand.NewChaCha8(derive(seed, what)) }

// Rand is an endless source of chance of that name, decided by the world's seed:
// what a program's masks, ids and jitter come from, so that they repeat. Each call
// begins the source anew. It may be read from any goroutine.
func (w *World) Rand(name string) io.Reader {
	return &sharedReader{r: random(w.seed, "rand "+name)}
}
