package ladder

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable gives s without anything that a terminal could obey, or that hides
// or turns other text: control characters, escapes and bytes that are not
// UTF-8 become what Go writes for them (\n, \x1b, \u202e). With ascii all that
// is not ASCII does. It reads at most limit characters of s; more become "…".
func printable(s string, ascii bool, limit int) string {
	var b strings.Builder
	marks := 0 // combining marks in a row: two have uses, a hundred cover other lines
	for n := 0; len(s) > 0; n++ {
		if n == limit {
			b.WriteString(glyphsFor(ascii).more)
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		if unicode.In(r, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[0]), 16))
		case strconv.IsPrint(r) && (r < utf8.RuneSelf || !ascii) && marks <= 2:
			b.WriteRune(r)
		case r == 0x7f:
			b.WriteString(`\x7f`)
		case ascii || marks > 2:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[size:]
	}
	return b.String()
}

// columns is how many columns of the terminal s takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns is 2 for what East Asian scripts and emoji take (UAX #11), 0 for
// combining marks, 1 for the rest.
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x25fd, 0x25fe, 1},
		{0x2614, 0x2615, 1}, {0x2648, 0x2653, 1}, {0x26a1, 0x26a1, 1}, {0x2705, 0x2705, 1},
		{0x270a, 0x270b, 1}, {0x2728, 0x2728, 1}, {0x274c, 0x274c, 1}, {0x2753, 0x2755, 1},
		{0x2795, 0x2797, 1}, {0x2b50, 0x2b50, 1},
		{0x2e80, 0x303e, 1}, {0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0xa4cf, 1},
		{0xa960, 0xa97f, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1},
		{0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{
		{0x16fe0, 0x18aff, 1}, {0x1b000, 0x1b2ff, 1}, {0x1f18e, 0x1f19a, 1}, {0x1f1e6, 0x1f320, 1},
		{0x1f32d, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1f9ff, 1}, {0x1fa70, 0x1faff, 1},
		{0x20000, 0x3fffd, 1},
	},
}

// cut gives the beginning of s that takes at most max columns, and the rest.
func cut(s string, max int) (head, tail string) {
	n := 0
	for i, r := range s {
		if n += runeColumns(r); n > max {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// fit gives s in exactly width columns: cut, with a mark, or filled.
func fit(s string, width int, g *glyphs) string {
	n := columns(s)
	if n > width {
		s, _ = cut(s, width-columns(g.more))
		s += g.more
		n = columns(s)
	}
	return s + strings.Repeat(" ", max(0, width-n))
}
