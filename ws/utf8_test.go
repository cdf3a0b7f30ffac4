package ws

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// validTexts has the first and last code point of each length and both sides
// of each hole.
var validTexts = []string{
	"", "Hello", "\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010ffff",
	"\ud7ff", "\ue000", "\ufffd", "\ufeff", "\ufffe", "\U0001ffff", "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!",
	"日本語", "𝄞 clef", "a\u0080b\u0800c\U00010000d",
}

// invalidTexts has each class of what is not UTF-8 (RFC 3629 §3, §4, and the
// classes of Kuhn's test): lone continuation bytes, lead bytes alone, each
// sequence cut at each place, bytes that are never there, overlong forms,
// surrogates alone and in pairs, and what is beyond the last code point.
var invalidTexts = []string{
	"\x80", "\xbf", "\x80\xbf", "\xc0", "\xc1\x80", "\xc2", "\xdf", "\xe0", "\xef", "\xf0", "\xf4", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
	"\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff", "\xc2 ", "\xe1\x80", "\xe1\x80 ", "\xe1 ", "\xf1\x80\x80", "\xf1\x80\x80 ", "\xf1\x80 ", "\xf1 ",
	"\xc0\xaf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xc0\x80", "\xe0\x80\x80",
	"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", "\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf", "κόσμε\xed\xa0\x80edited",
}

// continuable reports whether something valid begins with p, by trying: three
// more bytes are the most that a cut sequence wants, and among these values are
// ones that each lead byte takes.
func continuable(p []byte) bool {
	tails := [][]byte{{}}
	for _, second := range []byte{0x80, 0x90, 0xA0} {
		tails = append(tails, []byte{second}, []byte{second, 0x80}, []byte{second, 0x80, 0x80})
	}
	for _, tail := range tails {
		if utf8.Valid(append(p[:len(p):len(p)], tail...)) {
			return true
		}
	}
	return false
}

// The checker says no at the first byte after which nothing valid can follow,
// wherever the text is cut, and agrees with unicode/utf8 on the whole.
func checkUTF8(t *testing.T, p []byte) {
	// By the byte, against trying.
	var byByte utf8Check
	okUpTo := len(p)
	for i := range p {
		if ok := byByte.write(p[i : i+1]); ok != continuable(p[:i+1]) {
			t.Fatalf("%q after byte %d: %v, wanted %v", p, i, ok, !ok)
		} else if !ok {
			okUpTo = i
			break
		}
	}
	// Cut once, everywhere, against by the byte.
	for cut := range len(p) + 1 {
		var u utf8Check
		ok1 := u.write(p[:cut])
		if ok1 != (cut <= okUpTo) {
			t.Fatalf("%q cut at %d: the first part gave %v", p, cut, ok1)
		}
		if !ok1 {
			break
		}
		ok2 := u.write(p[cut:])
		if ok2 != (okUpTo == len(p)) {
			t.Fatalf("%q cut at %d: the second part gave %v", p, cut, ok2)
		}
		if ok2 && u.complete() != utf8.Valid(p) {
			t.Fatalf("%q cut at %d: complete is %v", p, cut, u.complete())
		}
	}
}

func TestUTF8(t *testing.T) {
	for _, v := range validTexts {
		require.True(t, utf8.ValidString(v))
		checkUTF8(t, []byte(v))
	}
	for _, v := range invalidTexts {
		require.False(t, utf8.ValidString(v))
		checkUTF8(t, []byte(v))
		checkUTF8(t, []byte("é"+v+"é"))
	}
	// Every two bytes, and every second byte of each longer sequence.
	for a := range 256 {
		for b := range 256 {
			checkUTF8(t, []byte{byte(a), byte(b)})
			if a >= 0xE0 {
				checkUTF8(t, []byte{byte(a), byte(b), 0x80, 0xBF})
			}
		}
	}
}

func FuzzUTF8(f *testing.F) {
	for _, v := range append(validTexts, invalidTexts...) {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) <= 256 { // every cut is tried: quadratic
			checkUTF8(t, p)
		}
	})
}
