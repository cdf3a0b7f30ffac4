package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The RFC's example, §5.7.
func TestMaskExample(t *testing.T) {
	p := []byte("Hello")
	mask(p, p, binary.LittleEndian.Uint32([]byte{0x37, 0xfa, 0x21, 0x3d}))
	require.Equal(t, []byte{0x7f, 0x9f, 0x4d, 0x51, 0x58}, p)
}

// Every length around the words and the unrolled rounds, at every alignment, in
// place and to another place, whole and in two pieces, against one byte at a
// time (RFC 6455 §5.3).
func TestMask(t *testing.T) {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	k := binary.LittleEndian.Uint32(key[:])
	random := rand.NewChaCha8([32]byte{})
	memory := make([]byte, 600)
	random.Read(memory)
	for n := range 300 {
		for align := range 8 {
			src := memory[align : align+n]
			want := make([]byte, n)
			for i := range src {
				want[i] = src[i] ^ key[i%4]
			}
			dst := make([]byte, n+1)
			next := mask(dst, src, k)
			require.Equal(t, want, dst[:n])
			require.Zero(t, dst[n], "wrote beyond")
			require.Equal(t, key[n%4], byte(next), "the key's next byte")

			p := bytes.Clone(src)
			cut := n * align / 8
			mask(p[cut:], p[cut:], mask(p[:cut], p[:cut], k))
			require.Equal(t, want, p)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	for _, n := range []int{16, 64, 1024, 4096, 65536} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := make([]byte, n)
			b.SetBytes(int64(n))
			key := uint32(0x3d21fa37)
			for b.Loop() {
				key = mask(p, p, key)
			}
		})
	}
}

// Keys are drawn in batches and none is used twice.
func TestMaskSource(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	m := &maskSource{rand: random}
	seen := map[uint32]bool{}
	for range 1000 {
		k, err := m.next()
		require.NoError(t, err)
		require.False(t, seen[k])
		seen[k] = true
	}
	_, err := (&maskSource{rand: bytes.NewReader(make([]byte, 255))}).next()
	require.ErrorContains(t, err, "draw masking keys")
}
