package link_test

import "math/rand/v2"

// newRandom is a source of the tests' own, the same in every run.
func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
