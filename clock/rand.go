package clock

import (
	"crypto/rand"
	"io"
)

// Rand is the randomness of real life, crypto/rand: the default of every floor
// that was given none. A world in virtual time gives each host a seeded reader
// instead.
func Rand() io.Reader { return rand.Reader }
