package ladder

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// What a terminal could obey is written out; what people write stays.
func TestPrintable(t *testing.T) {
	for _, c := range []struct{ in, out, ascii string }{
		{"plain text, \"quoted\" and \\", "plain text, \"quoted\" and \\", "plain text, \"quoted\" and \\"},
		{"\x1b[2J\a\r\n\t\x00\x7f", `\x1b[2J\a\r\n\t\x00\x7f`, `\x1b[2J\a\r\n\t\x00\x7f`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`}, // CSI in one character
		{"\x9b31m\xff", `\x9b31m\xff`, `\x9b31m\xff`},
		{"a\u202eb\u2066\u200b\ufeff", `a\u202eb\u2066\u200b\ufeff`, `a\u202eb\u2066\u200b\ufeff`},
		{"\U000e0041", `\U000e0041`, `\U000e0041`},
		{"héllo, мир, 漢字, 🙂", "héllo, мир, 漢字, 🙂", `h\u00e9llo, \u043c\u0438\u0440, \u6f22\u5b57, \U0001f642`},
		{"a\u0301\u0302\u0303\u0304", "a\u0301\u0302\\u0303\\u0304", `a\u0301\u0302\u0303\u0304`},
		{"", "", ""},
	} {
		require.Equal(t, c.out, printable(c.in, false, 100))
		require.Equal(t, c.ascii, printable(c.in, true, 100))
	}
	require.Equal(t, "123…", printable("12345", false, 3))
	require.Equal(t, "123...", printable("12345", true, 3))
	require.Equal(t, "123", printable("123", false, 3))
}

func TestColumns(t *testing.T) {
	for s, n := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "漢字": 4, "한국어": 6, "ｆｕｌｌ": 8, "🙂": 2, "│►": 2} {
		require.Equal(t, n, columns(s), s)
	}
	head, tail := cut("漢字", 3)
	require.Equal(t, []string{"漢", "字"}, []string{head, tail})
	require.Equal(t, "漢… ", fit("漢字漢字", 4, &unicodeGlyphs))
}

// Words are broken into lines that fit, whatever the room; nothing is lost.
func TestWrap(t *testing.T) {
	text := "a bb ccc dddd eeeee ffffff ggggggg hhhhhhhh 漢字漢字漢字漢字 " + strings.Repeat("x", 100)
	for room := 2; room < 130; room++ {
		var back strings.Builder
		for _, line := range wrap(words("%s", text), room) {
			require.LessOrEqual(t, lineColumns(line), room)
			require.NotEmpty(t, line)
			for _, w := range line {
				require.True(t, utf8.ValidString(w.text))
				back.WriteString(w.text)
			}
		}
		require.Equal(t, strings.ReplaceAll(text, " ", ""), back.String())
	}
	require.Equal(t, [][]word{nil}, wrap(nil, 10))
}

func TestSince(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                        "0 µs",
		999 * time.Nanosecond:    "0 µs",
		34 * time.Microsecond:    "34 µs",
		-34 * time.Microsecond:   "-34 µs",
		999_999:                  "999 µs",
		time.Millisecond:         "1.000 ms",
		999_999_999:              "999.999 ms",
		time.Second:              "1.000 s",
		59_999_999_999:           "59.999 s",
		62*time.Second + 5e6:     "1m02.005s",
		time.Hour - 1:            "59m59.999s",
		25*time.Hour + 61e9:      "25h01m01s",
		-2500 * time.Millisecond: "-2.500 s",
	} {
		require.Equal(t, want, since(d, &unicodeGlyphs))
		require.LessOrEqual(t, columns(want), timeColumns)
	}
	require.Equal(t, "7 us", since(7*time.Microsecond, &asciiGlyphs))
}

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 16 << 10: "16 KiB",
		150<<10 + 512: "150 KiB", 1 << 20: "1 MiB", 5 << 30: "5 GiB", 1 << 60: "1048576 TiB"} {
		require.Equal(t, want, size(n))
	}
}
