package ws

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inflateAll gives in to an inflater in pieces of the sizes of chops (repeated;
// none: all at once) and returns what came out, and whether a message may end
// where the input does.
func inflateAll(in, window, chops []byte, limit int) (out []byte, end bool, err error) {
	z := newInflater()
	z.reset(window)
	for i := 0; len(in) > 0; i++ {
		n := len(in)
		if len(chops) > 0 {
			n = min(n, 1+int(chops[i%len(chops)]))
		}
		piece := in[:n]
		in = in[n:]
		for again := true; again; {
			piece, again, err = z.run(piece)
			out = append(out, z.fresh()...)
			if err != nil || len(out) > limit {
				return out, false, err
			}
		}
		if len(piece) > 0 {
			panic("the inflater left input and did not ask to be called again")
		}
	}
	return out, z.atEnd(), nil
}

// deflated is p as the standard library compresses it, without the end of the
// stream.
func deflated(t testing.TB, p []byte, level int, window []byte) []byte {
	var b bytes.Buffer
	fw, err := flate.NewWriterDict(&b, level, window)
	require.NoError(t, err)
	_, err = fw.Write(p)
	require.NoError(t, err)
	require.NoError(t, fw.Flush())
	return b.Bytes()
}

// sampleTexts are of each kind that a compressor treats in its own way.
func sampleTexts() map[string][]byte {
	random := rand.NewChaCha8([32]byte{7})
	noise := make([]byte, 200_000)
	random.Read(noise)
	var json strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&json, `{"id":%d,"name":"user %d","tags":["a","b%d"],"score":%d.5},`, i, i*7919%1000, i%17, i*31%997)
	}
	few := make([]byte, 100_000)
	for i := range few {
		few[i] = "abcdefgh"[bytes.IndexByte([]byte{0, 1, 2, 3, 4, 5, 6, 7}, noise[i]&7)]
	}
	return map[string][]byte{
		"empty": nil, "one byte": []byte("x"), "hello": []byte("Hello"), "noise": noise, "JSON": []byte(json.String()),
		"zeroes": make([]byte, 300_000), "eight letters": few,
	}
}

// What the standard library compresses comes out as it was, at every level, with
// and without a window, in pieces of every kind.
func TestInflate(t *testing.T) {
	for name, p := range sampleTexts() {
		for _, level := range []int{-2, 0, 1, 6, 9} {
			for _, window := range [][]byte{nil, p[:min(len(p), 32768)]} {
				in := deflated(t, p, level, window)
				for _, chops := range [][]byte{nil, {0}, {6, 0, 200}} {
					out, end, err := inflateAll(in, window, chops, 1<<30)
					require.NoError(t, err, "%s at level %d", name, level)
					require.True(t, bytes.Equal(p, out), "%s at level %d: %d bytes, wanted %d", name, level, len(out), len(p))
					require.True(t, end, "%s at level %d", name, level)
				}
			}
		}
	}
}

// As much as can be known comes out before the rest of the input is there: a
// byte of fixed code needs the byte in which its bits end, and no more.
func TestInflateSaysWhatItKnows(t *testing.T) {
	in := deflated(t, []byte("\xffHello, Hello"), 9, nil)
	z := newInflater()
	z.reset(nil)
	_, _, err := z.run(in[:2])
	require.NoError(t, err)
	require.Equal(t, "\xff", string(z.fresh()))
}

// Whatever the bytes, and however they are cut, the inflater gives what the
// standard library gives, and fails where it fails.
func FuzzInflate(f *testing.F) {
	for _, p := range [][]byte{nil, []byte("Hello"), bytes.Repeat([]byte("abcdefgh"), 40)} {
		for _, level := range []int{-2, 0, 9} {
			f.Add(deflated(f, p, level, []byte("abc")), []byte("abc"), []byte{0, 9})
		}
	}
	f.Add([]byte{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}, []byte{}, []byte{1})
	f.Add([]byte{0x05, 0xe0, 0x81, 0x08, 0, 0, 0, 0, 0x20, 0x7f, 0xeb, 0x0b}, []byte{}, []byte{0})
	f.Add([]byte("\x04\xc0\x87\x00\x00\x00\b\x04@\xd6~\xfb\x13t\a\xca"), []byte("abc"), []byte{0}) // literals that are shorter than the block's end
	f.Add([]byte("D\xc0\x87\x00\x00\x00\b\x04@\xde~\xfb\x13t"), []byte("D\xc0\x87"), []byte("D"))  // no code for the block's end
	f.Fuzz(func(t *testing.T, in, window, chops []byte) {
		const limit = 1 << 20
		whole, end, err := inflateAll(in, window, nil, limit)
		cut, cutEnd, cutErr := inflateAll(in, window, chops, limit)
		if len(whole) <= limit && len(cut) <= limit {
			require.Equal(t, whole, cut)
			require.Equal(t, end, cutEnd)
			require.Equal(t, err, cutErr)
		}
		want, wantErr := stdInflate(in, window, limit)
		if len(want) > limit || len(whole) > limit {
			return
		}
		// The standard library does not look at a code while fewer bits are there
		// than the end of the block has. So it may know less at the end of the
		// input, but not a few bytes later.
		later, laterErr := stdInflate(append(in[:len(in):len(in)], make([]byte, 16)...), window, limit)
		switch err {
		case nil:
		case errDeflateEndless: // as zlib has it; the standard library puts up with it
			return
		default:
			require.NotEqual(t, io.ErrUnexpectedEOF, laterErr, "ours: %v", err)
			return
		}
		require.Equal(t, io.ErrUnexpectedEOF, wantErr)
		require.True(t, bytes.HasPrefix(whole, want))
		require.True(t, bytes.HasPrefix(later, whole))
	})
}

// stdInflate is the standard library's inflater over streams one after the other,
// which end with io.ErrUnexpectedEOF where the input does.
func stdInflate(in, window []byte, limit int) (out []byte, err error) {
	r := bytes.NewReader(in)
	window = bytes.Clone(window)
	for {
		if r.Len() == 0 {
			return out, io.ErrUnexpectedEOF
		}
		fr := flate.NewReaderDict(r, window)
		p, err := io.ReadAll(io.LimitReader(fr, int64(limit+1-len(out))))
		out, window = append(out, p...), append(window, p...)
		if err != nil || len(out) > limit {
			return out, err
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	p := sampleTexts()["JSON"]
	for _, n := range []int{4096, len(p)} {
		in := deflated(b, p[:n], 6, nil)
		b.Run(fmt.Sprint("ours/", n), func(b *testing.B) {
			z := newInflater()
			b.SetBytes(int64(n))
			for b.Loop() {
				z.reset(nil)
				rest := in
				for again := true; again; {
					rest, again, _ = z.run(rest)
					z.fresh()
				}
			}
		})
		b.Run(fmt.Sprint("std/", n), func(b *testing.B) {
			r := bytes.NewReader(in)
			fr := flate.NewReader(r)
			buf := make([]byte, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				r.Reset(in)
				fr.(flate.Resetter).Reset(r, nil)
				io.ReadFull(fr, buf)
			}
		})
	}
}
