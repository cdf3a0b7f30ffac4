package link

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
)

// pieces makes a buffer of n pieces of size bytes behind a header, all of them
// told apart by what is in them.
func pieces(n, size int) (b buffer.Buffer, whole []byte) {
	whole = bytes.Repeat([]byte{0xff}, 40)
	b = buffer.MakeWithData(whole)
	for i := range n {
		piece := bytes.Repeat([]byte{byte(i)}, size)
		whole = append(whole, piece...)
		next := buffer.MakeWithData(piece)
		b.Merge(&next) // as TCP makes a super-packet of writes
	}
	return b, whole
}

func countPieces(b *buffer.Buffer) (n int) {
	b.Apply(func(*buffer.View) { n++ })
	return n
}

// A packet of many small pieces comes in two, headers and the rest; few pieces
// and large ones are not copied.
func TestManySmallPiecesBecomeFew(t *testing.T) {
	for _, c := range []struct{ n, size, want int }{
		{6000, 10, 2}, // a super-packet of writes of 10 bytes
		{100, 100, 2},
		{10, 10, 11}, // few: as they are
		{40, 1460, 41},
		{0, 0, 1},
	} {
		b, whole := pieces(c.n, c.size)
		few := inFewPieces(b)
		require.Equal(t, c.want, countPieces(&few), "%d pieces of %d bytes", c.n, c.size)
		require.Equal(t, whole, few.Flatten())
		few.Release()
	}
}
