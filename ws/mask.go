package ws

import (
	"encoding/binary"
	"math/bits"
)

// mask writes src, masked or unmasked with key (it is the same, RFC 6455 §5.3),
// to the front of dst, and returns the key for the byte that follows. dst has at
// least the length of src, and is src or does not overlap it. The key has its
// first byte in the lowest bits.
func mask(dst, src []byte, key uint32) uint32 {
	k := uint64(key)<<32 | uint64(key)
	le := binary.LittleEndian
	dst = dst[:len(src)]
	// Fixed-size windows let the compiler drop all bounds checks but one a
	// window: sixteen words a round are as fast as memory.
	for len(src) >= 128 && len(dst) >= 128 {
		s, d := src[:128:128], dst[:128:128]
		le.PutUint64(d[0:], le.Uint64(s[0:])^k)
		le.PutUint64(d[8:], le.Uint64(s[8:])^k)
		le.PutUint64(d[16:], le.Uint64(s[16:])^k)
		le.PutUint64(d[24:], le.Uint64(s[24:])^k)
		le.PutUint64(d[32:], le.Uint64(s[32:])^k)
		le.PutUint64(d[40:], le.Uint64(s[40:])^k)
		le.PutUint64(d[48:], le.Uint64(s[48:])^k)
		le.PutUint64(d[56:], le.Uint64(s[56:])^k)
		le.PutUint64(d[64:], le.Uint64(s[64:])^k)
		le.PutUint64(d[72:], le.Uint64(s[72:])^k)
		le.PutUint64(d[80:], le.Uint64(s[80:])^k)
		le.PutUint64(d[88:], le.Uint64(s[88:])^k)
		le.PutUint64(d[96:], le.Uint64(s[96:])^k)
		le.PutUint64(d[104:], le.Uint64(s[104:])^k)
		le.PutUint64(d[112:], le.Uint64(s[112:])^k)
		le.PutUint64(d[120:], le.Uint64(s[120:])^k)
		src, dst = src[128:], dst[128:]
	}
	for len(src) >= 8 && len(dst) >= 8 {
		le.PutUint64(dst, le.Uint64(src)^k)
		src, dst = src[8:], dst[8:]
	}
	for i := range src {
		dst[i] = src[i] ^ byte(key)
		key = bits.RotateLeft32(key, -8)
	}
	return key
}
