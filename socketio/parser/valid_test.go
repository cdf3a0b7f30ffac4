package parser

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is said to be surely valid is valid, and what is frequent is.
func FuzzSurelyValid(f *testing.F) {
	for _, text := range frequent {
		f.Add([]byte(text))
		f.Add([]byte(text[:len(text)-1]))
	}
	for _, text := range []string{
		"", " ", "[", "]", "[1,]", "[,1]", "[1 2]", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{1:2}`, "[}", "{]", `[{]}`, `{"a":[}`, "[]]", "[] []", `"a" "b"`,
		"01", "-", "+1", "1.", ".5", "1e", "1e+", "-a", "0x1", "1_0", "NaN", "tru", "truex", "nul", "[falsey]", "True",
		`"`, `"\`, `"\"`, `"\x"`, `"\u00e9"`, `"\u00e"`, "\"\x00\"", "\"12345678\x1f\"", "\"a\tb\"", "\"\x7f\"", "\"\xff\xfe1234567890\"", "\ufeff1", "\v1", "[1]\x00",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		is := json.Valid(text)
		require.Equal(t, is, valid(text))
		if surelyValid(text) {
			require.True(t, is)
		}
	})
}

// frequent is what most payloads are like.
var frequent = []string{
	`["echo","hello"]`,
	`["chat message",{"from":"Ada","text":"it's <b>\"fine\"</b>\n","at":1700000000123,"tags":["a","b"],"seen":false,"reply":null}]`,
	`["n",0,-1,12.50,1e9,2.5E-3,true,false,null,[],{},[[]],{"a":{}}]`,
	"[ \"spaced\" ,\t{ \"a\" : 1 ,\r\n \"b\" : [ ] } ]\n",
	`["naïve ☃ 😀 text that is longer than eight bytes",{"ключ":"значение"}]`,
	`{"sid":"abcdefghijklmnopqrst"}`,
	`"12345678"`, `"1234567"`, `"123456789"`, `"1234567\"` + `8"`,
	`{"_placeholder":true,"num":0}`,
}

func TestWhatIsFrequentIsSurelyValid(t *testing.T) {
	for _, text := range frequent {
		require.True(t, surelyValid([]byte(text)), text)
	}
	// Deeper than there are bits: as json.Valid says, whether it is right or not.
	for _, depth := range []int{mostNested - 1, mostNested, mostNested + 1} {
		for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}, {`[{"a":`, "}]"}} {
			text := strings.Repeat(pair[0], depth) + "1" + strings.Repeat(pair[1], depth)
			require.True(t, valid([]byte(text)), text)
			require.False(t, valid([]byte(text[:len(text)-1])), text)
			require.False(t, valid([]byte(text+pair[1])), text)
		}
	}
	// A byte of each value, at each place of what is looked at eight at a time.
	for at := range 20 {
		for c := range 256 {
			text := []byte(`"` + strings.Repeat("x", 20) + `"`)
			text[1+at] = byte(c)
			require.Equal(t, json.Valid(text), valid(text), "%q", text)
			require.True(t, surelyValid(text) || !json.Valid(text) || c == '\\', "%q", text)
		}
	}
}

func BenchmarkValid(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"text", `["echo","` + strings.Repeat("x", 80) + `"]`},
		{"object", frequent[1]},
		{"beyond ASCII", `["echo","` + strings.Repeat("яблоко ", 10) + `"]`},
	} {
		text := []byte(c.text)
		b.Run(c.name+"/ours", func(b *testing.B) {
			for b.Loop() {
				if !valid(text) {
					b.Fatal("not valid")
				}
			}
		})
		b.Run(c.name+"/encoding json", func(b *testing.B) {
			for b.Loop() {
				if !json.Valid(text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
