package parser_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/parser"
)

type base struct {
	Shared string `json:"shared"`
	Hidden string
}

type upload struct {
	base
	Name   string            `json:"name"`
	Body   []byte            `json:"body"`
	Parts  map[string][]byte `json:"parts,omitempty"`
	Extra  any               `json:"extra,omitempty"`
	Size   int               `json:"size,string"`
	At     time.Time         `json:"at,omitzero"`
	Hidden int
	Skip   []byte `json:"-"`
	next   *upload
}

func encodeEvent(t *testing.T, args ...any) (string, [][]byte) {
	t.Helper()
	var p parser.Packet
	require.NoError(t, p.SetEvent("e", args...))
	return string(parser.Append(nil, &p)), p.Attachments
}

func TestArgumentsAreWrittenAsJavaScriptWould(t *testing.T) {
	text, _ := encodeEvent(t, "<a> & \"b\"\n", 1, -2, 1.5, true, nil, []int{1}, map[string]int{"b": 1, "a": 2}, "ünïcode 😀")
	require.Equal(t, `2["e","<a> & \"b\"\n",1,-2,1.5,true,null,[1],{"a":2,"b":1},"ünïcode 😀"]`, text)

	text, _ = encodeEvent(t, struct{ HTML string }{"<b>"}, json.RawMessage(`{"x": 1}`), uint64(math.MaxUint64))
	require.Equal(t, `2["e",{"HTML":"<b>"},{"x": 1},18446744073709551615]`, text)

	// Text messages are UTF-8 (RFC 6455 §8.1): a string that is not becomes it.
	text, _ = encodeEvent(t, "a\xffb", json.RawMessage("\"a\xffb\""))
	require.Equal(t, "2[\"e\",\"a\\ufffdb\",\"a\uFFFDb\"]", text)
}

func TestBinaryBecomesAttachmentsWhereverItIs(t *testing.T) {
	text, att := encodeEvent(t, []byte{1})
	require.Equal(t, `51-["e",{"_placeholder":true,"num":0}]`, text)
	require.Equal(t, [][]byte{{1}}, att)

	text, att = encodeEvent(t, &upload{
		base: base{Shared: "s", Hidden: "by the outer one"}, Name: "n", Body: []byte{1},
		Parts: map[string][]byte{"b": {2}, "a": {3}, "nil": nil}, Extra: []any{[]byte{4}, "x"}, Size: 7, Skip: []byte{9},
		next: &upload{},
	})
	require.Equal(t, `54-["e",{"shared":"s","name":"n","body":{"_placeholder":true,"num":0},`+
		`"parts":{"a":{"_placeholder":true,"num":1},"b":{"_placeholder":true,"num":2},"nil":null},`+
		`"extra":[{"_placeholder":true,"num":3},"x"],"size":"7","Hidden":0}]`, text)
	require.Equal(t, [][]byte{{1}, {3}, {2}, {4}}, att)

	// Without binary in it the same value is encoding/json's.
	u := upload{Name: "n", Hidden: 3, Extra: map[int]string{1: "x"}}
	want, err := json.Marshal(u)
	require.NoError(t, err)
	text, att = encodeEvent(t, u)
	require.Equal(t, `2["e",`+string(want)+`]`, text)
	require.Empty(t, att)
}

// The struct writer is ours; where a value has no binary, encoding/json says
// what it should have written.
func TestStructsAreWrittenAsEncodingJSONDoes(t *testing.T) {
	type inner struct {
		A, B int
		C    string `json:"c,omitempty"`
	}
	type Deep struct{ A, Z int }
	type outer struct {
		inner
		*Deep
		B  string
		D  *inner          `json:"d"`
		E  map[int]float64 `json:"e,omitempty"`
		F  [2]bool
		G  json.Number
		H  any
		T  time.Time
		I  int            `json:",string"`
		On bool           `json:"on,string"`
		R  map[string]any `json:"r"`
	}
	for _, v := range []outer{
		{},
		{inner: inner{1, 2, "x"}, Deep: &Deep{3, 4}, B: "b", D: &inner{}, E: map[int]float64{2: 1, 10: 2}, G: "1e3", H: []any{1, nil}},
	} {
		v.G = "12"
		v.R = map[string]any{"k": map[string]any{"<": ">"}}
		plain, _ := encodeEvent(t, v)
		// With one []byte beside it, the same value goes through our writer.
		mixed, att := encodeEvent(t, []any{v, []byte{1}})
		require.Len(t, att, 1)
		require.Equal(t, "51-"+`["e",[`+plain[len(`2["e",`):len(plain)-1]+`,{"_placeholder":true,"num":0}]]`, mixed)
	}
}

func TestArgumentsThatCannotBeWrittenAreErrors(t *testing.T) {
	loop := map[string]any{"bin": []byte{1}}
	loop["self"] = loop
	many := make([]any, parser.MaxAttachments+1)
	for i := range many {
		many[i] = []byte{1}
	}
	for name, args := range map[string][]any{
		"channel":          {make(chan int)},
		"function":         {func() {}},
		"NaN":              {math.NaN()},
		"contains itself":  {loop},
		"bad raw JSON":     {json.RawMessage(`{`)},
		"channel, binary":  {[]any{[]byte{1}, make(chan int)}},
		"many attachments": many,
	} {
		t.Run(name, func(t *testing.T) {
			var p parser.Packet
			require.Error(t, p.SetEvent("e", args...))
		})
	}
	var p parser.Packet
	require.ErrorContains(t, p.SetEvent("disconnect"), "reserved")
	// After an error the encoder for the next caller is a sound one.
	text, _ := encodeEvent(t, []int{1})
	require.Equal(t, `2["e",[1]]`, text)
}

// What goes in comes out, in every place a []byte may stand.
func TestBinaryArrivesWhereItIsAskedFor(t *testing.T) {
	var sent parser.Packet
	in := upload{Name: "n", Body: []byte{1, 2}, Parts: map[string][]byte{"p": {3}}}
	require.NoError(t, sent.SetAck([]byte{9}, in, map[string]any{"k": []any{[]byte{8}}}, []any{[]byte{7}}, "text", []byte{}))
	var d parser.Decoder
	p, ok, err := d.Text(parser.Append(nil, &sent))
	for _, a := range sent.Attachments {
		require.NoError(t, err)
		require.False(t, ok)
		p, ok, err = d.Binary(a)
	}
	require.NoError(t, err)
	require.True(t, ok)

	var direct []byte
	var out upload
	var tree any
	var list []any
	var text string
	var empty []byte
	args := p.Args()
	require.Equal(t, 6, args.Len())
	require.NoError(t, args.Decode(&direct, &out, &tree, &list, &text, &empty))
	require.Equal(t, []byte{9}, direct)
	require.Equal(t, in, out)
	require.Equal(t, map[string]any{"k": []any{[]byte{8}}}, tree)
	require.Equal(t, []any{[]byte{7}}, list)
	require.Equal(t, "text", text)
	require.Empty(t, empty)

	var m map[string]any
	require.Error(t, args.Decode(&m), "an attachment is no map")
	var number int
	require.ErrorContains(t, args.Decode(&number), "argument 1")
}

const hundredBytes = `2["chat message",{"user":"ada","room":"lobby","text":"The quick brown fox jumps over it","n":123456}]`

// Without values of Go in between: what a relay does. Wanted: at most 2
// allocations.
func BenchmarkParseAndEncodeEvent(b *testing.B) {
	in := []byte(hundredBytes)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		var d parser.Decoder
		p, _, err := d.Text(in)
		if err != nil {
			b.Fatal(err)
		}
		if name, args := p.Event(); string(name) != "chat message" || args.Len() != 1 {
			b.Fatal("wrong event")
		}
		if out := parser.Append(nil, &p); len(out) != len(in) {
			b.Fatal("wrong text")
		}
	}
}

// With the arguments decoded into a struct, and encoded from it: encoding/json
// is most of it.
func BenchmarkParseAndEncodeEventTyped(b *testing.B) {
	type message struct {
		User string `json:"user"`
		Room string `json:"room"`
		Text string `json:"text"`
		N    int    `json:"n"`
	}
	in := []byte(hundredBytes)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	var out parser.Packet
	for b.Loop() {
		var d parser.Decoder
		p, _, err := d.Text(in)
		if err != nil {
			b.Fatal(err)
		}
		_, args := p.Event()
		var m message
		if err := args.Decode(&m); err != nil {
			b.Fatal(err)
		}
		if err := out.SetEvent("chat message", &m); err != nil {
			b.Fatal(err)
		}
		if text := parser.Append(nil, &out); len(text) != len(in) {
			b.Fatal("wrong text")
		}
	}
}
