package parser

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is decoded without encoding/json is what that makes of it; where it would
// find something wrong, so that it is asked, and says what.
func FuzzDecodeSimple(f *testing.F) {
	for _, seed := range []string{
		`""`, `"a"`, `"ä€😀"`, `"a\"b"`, "\"\xff\"", `"a" `, `" `, `"`, `null`, `true`, `false`, `tru`, `0`, `-0`, `7`, `-9223372036854775808`,
		`9223372036854775808`, `1.0`, `1e3`, `[]`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		for _, v := range []struct{ fast, slow any }{
			{new(string), new(string)}, {new(int), new(int)}, {new(int64), new(int64)}, {new(bool), new(bool)},
		} {
			if decodeSimple(raw, v.fast) {
				require.NoError(t, json.Unmarshal(raw, v.slow))
			}
			require.Equal(t, v.slow, v.fast)
		}
	})
}

// A string is written as encoding/json writes it but for <, > and &, whatever byte is
// where in it; and an answer of one string as any answer.
func TestStringsAreWrittenAsJSON(t *testing.T) {
	for size := range 20 {
		for at := range size {
			for c := range 256 {
				if c == '<' || c == '>' || c == '&' {
					continue
				}
				text := []byte(strings.Repeat("x", size))
				text[at] = byte(c)
				want, err := json.Marshal([]string{string(text)})
				require.NoError(t, err)
				var p, q Packet
				p.SetAckText(string(text))
				require.Equal(t, string(want), string(p.Data))
				require.NoError(t, q.SetAck(string(text)))
				require.Equal(t, q.Data, p.Data)
				require.Equal(t, q.Type, p.Type)
			}
		}
	}
}

// A string takes the memory of its text and no more; a number and a bool take none.
func TestDecodeSimpleAllocates(t *testing.T) {
	var s string
	var n int64
	var b bool
	require.Equal(t, 1.0, testing.AllocsPerRun(100, func() { decodeSimple([]byte(`"a text that is longer than a few bytes"`), &s) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { decodeSimple([]byte(`1790000000000`), &n) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { decodeSimple([]byte(`true`), &b) }))
}
