package parser_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio/parser"
)

// decode hands a packet's messages to a new decoder; it has to be complete
// after the last of them.
func decode(t *testing.T, text string, attachments ...string) (parser.Packet, error) {
	t.Helper()
	var d parser.Decoder
	p, ok, err := d.Text([]byte(text))
	for _, a := range attachments {
		if err != nil {
			break
		}
		require.False(t, ok, "complete before its attachments came")
		p, ok, err = d.Binary([]byte(a))
	}
	if err == nil {
		require.True(t, ok, "%s is not complete", text)
	}
	return p, err
}

// The examples of the protocol's documentation and what the official client
// sends, both ways.
func TestPacketsAsOthersWriteThem(t *testing.T) {
	for _, c := range []struct {
		text        string
		attachments []string
		want        parser.Packet
		again       string // how we write it, where that differs
	}{
		{text: `0`, want: parser.Packet{Type: parser.Connect}},
		{text: `0{"sid":"x"}`, want: parser.Packet{Type: parser.Connect, Data: []byte(`{"sid":"x"}`)}},
		{text: `0/admin,`, want: parser.Packet{Type: parser.Connect, Namespace: "/admin"}},
		{text: `0/random`, want: parser.Packet{Type: parser.Connect, Namespace: "/random"}, again: `0/random,`},
		{text: `0/admin,{"token":"1"}`, want: parser.Packet{Type: parser.Connect, Namespace: "/admin", Data: []byte(`{"token":"1"}`)}},
		{text: `1/admin,`, want: parser.Packet{Type: parser.Disconnect, Namespace: "/admin"}},
		{text: `1`, want: parser.Packet{Type: parser.Disconnect}},
		{text: `2["hey","Jude"]`, want: parser.Packet{Type: parser.Event, Data: []byte(`["hey","Jude"]`)}},
		{text: `212["foo"]`, want: parser.Packet{Type: parser.Event, ID: 12, HasID: true, Data: []byte(`["foo"]`)}},
		{text: `2/admin,0["bar"]`, want: parser.Packet{Type: parser.Event, Namespace: "/admin", HasID: true, Data: []byte(`["bar"]`)}},
		{text: `2[17,"number as a name"]`, want: parser.Packet{Type: parser.Event, Data: []byte(`[17,"number as a name"]`)}},
		{text: `2["error"]`, want: parser.Packet{Type: parser.Event, Data: []byte(`["error"]`)}},
		{text: `3/admin,13["bar"]`, want: parser.Packet{Type: parser.Ack, Namespace: "/admin", ID: 13, HasID: true, Data: []byte(`["bar"]`)}},
		{text: `30[]`, want: parser.Packet{Type: parser.Ack, HasID: true, Data: []byte(`[]`)}},
		{text: `4{"message":"Not authorized"}`, want: parser.Packet{Type: parser.ConnectError, Data: []byte(`{"message":"Not authorized"}`)}},
		{text: `4"no"`, want: parser.Packet{Type: parser.ConnectError, Data: []byte(`"no"`)}},
		{
			text: `51-["baz",{"_placeholder":true,"num":0}]`, attachments: []string{"\x01\x02"},
			want: parser.Packet{Type: parser.BinaryEvent, Data: []byte(`["baz",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2}}},
		},
		{
			text: `62-/admin,9[{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`, attachments: []string{"0", "1"},
			want: parser.Packet{
				Type: parser.BinaryAck, Namespace: "/admin", ID: 9, HasID: true,
				Data:        []byte(`[{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`),
				Attachments: [][]byte{{'0'}, {'1'}},
			},
		},
	} {
		t.Run(c.text, func(t *testing.T) {
			if c.want.Namespace == "" {
				c.want.Namespace = "/"
			}
			got, err := decode(t, c.text, c.attachments...)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			if c.again == "" {
				c.again = c.text
			}
			require.Equal(t, c.again, string(parser.Append(nil, &got)))
		})
	}
}

// What the official decoder closes the connection for, we refuse as well.
func TestMalformedPacketsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		attachments []string
	}{
		{name: "nothing", text: ""},
		{name: "unknown type", text: `7["a"]`},
		{name: "type is no digit", text: `x`},
		{name: "CONNECT with an array", text: `0["a"]`},
		{name: "CONNECT with null", text: `0null`},
		{name: "CONNECT with a string", text: `0"a"`},
		{name: "DISCONNECT with a payload", text: `1{}`},
		{name: "EVENT without a payload", text: `2`},
		{name: "EVENT with an object", text: `2{}`},
		{name: "EVENT without a name", text: `2[]`},
		{name: "EVENT cut short", text: `2["a"`},
		{name: "EVENT with something after it", text: `2["a"]]`},
		{name: "ack id and nothing else", text: `212`},
		{name: "ack id beyond what JavaScript counts", text: `29007199254740992["a"]`},
		{name: "ACK with an object", text: `31{}`},
		{name: "CONNECT_ERROR with a number", text: `45`},
		{name: "CONNECT_ERROR with an array", text: `4[]`},
		{name: "attachments missing", text: `5["a"]`},
		{name: "no attachments", text: `50-["a"]`},
		{name: "attachments below zero", text: `5-1-["a"]`},
		{name: "attachments are no number", text: `5x-["a"]`},
		{name: "attachments without a dash", text: `51["a"]`},
		{name: "attachments end the packet", text: `51`},
		{name: "eleven attachments", text: `511-["a"]`},
		{name: "CVE-2026-33151 unbounded attachments", text: `55999999-["a"]`},
		{name: "binary packet cut short", text: `51-["a"`},
		// CVE-2023-32695: the name of an event
		{name: "name is an object", text: `2[{"toString":1}]`},
		{name: "name is an array", text: `2[["a"]]`},
		{name: "name is null", text: `2[null]`},
		{name: "name is true", text: `2[true]`},
		{name: "binary event with a bad name", text: `51-[{"_placeholder":true,"num":0}]`},
		{name: "reserved connect", text: `2["connect"]`},
		{name: "reserved disconnecting", text: `2["disconnecting"]`},
		{name: "reserved, escaped", text: `2["\u0063onnect_error"]`},
		{name: "reserved newListener", text: `2[ "newListener" ]`},
		{name: "reserved removeListener", text: `2["removeListener",1]`},
		// CVE-2022-2421: the number in a placeholder
		{name: "placeholder out of range", text: `51-["a",{"_placeholder":true,"num":1}]`, attachments: []string{"x"}},
		{name: "placeholder negative", text: `51-["a",{"_placeholder":true,"num":-1}]`, attachments: []string{"x"}},
		{name: "placeholder string", text: `51-["a",{"_placeholder":true,"num":"splice"}]`, attachments: []string{"x"}},
		{name: "placeholder object", text: `51-["a",{"_placeholder":true,"num":{}}]`, attachments: []string{"x"}},
		{name: "placeholder float", text: `51-["a",{"_placeholder":true,"num":0.5}]`, attachments: []string{"x"}},
		{name: "placeholder huge", text: `51-["a",{"_placeholder":true,"num":99999999999999999999}]`, attachments: []string{"x"}},
		{name: "placeholder without num", text: `51-["a",[{"b":{"_placeholder":true}}]]`, attachments: []string{"x"}},
		{name: "placeholder, escaped", text: `51-["a",{"\u005fplaceholder":true,"num":7}]`, attachments: []string{"x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(t, c.text, c.attachments...)
			require.ErrorIs(t, err, parser.ErrPacket)
		})
	}
}

// Text and binary out of turn: either would let one packet's attachments end
// up in another.
func TestAttachmentsComeInTurn(t *testing.T) {
	var d parser.Decoder
	_, _, err := d.Binary([]byte("x"))
	require.ErrorIs(t, err, parser.ErrPacket, "binary that nobody announced")

	_, ok, err := d.Text([]byte(`51-["a",{"_placeholder":true,"num":0}]`))
	require.NoError(t, err)
	require.False(t, ok)
	require.True(t, d.Pending())
	_, _, err = d.Text([]byte(`2["b"]`))
	require.ErrorIs(t, err, parser.ErrPacket, "text while an attachment is missing")
}

func TestAttachmentsTogetherAreBounded(t *testing.T) {
	d := parser.Decoder{MaxBytes: 10}
	_, _, err := d.Text([]byte(`52-["a"]`))
	require.NoError(t, err)
	_, _, err = d.Binary(make([]byte, 10))
	require.NoError(t, err)
	_, _, err = d.Binary(make([]byte, 1))
	require.ErrorIs(t, err, parser.ErrPacket)
}

// CVE-2020-36049: the official decoder once put such numbers together one
// character at a time, each time copying what it had.
func TestMegabyteOfDigitsCostsLittle(t *testing.T) {
	digits := strings.Repeat("9", 1<<20)
	for _, text := range []string{"5" + digits + "-[]", "2" + digits + `["a"]`, "5" + digits, "2/" + digits, "0/a," + digits} {
		message := []byte(text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var d parser.Decoder
		_, _, err := d.Text(message)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, parser.ErrPacket)
		// One copy of the message would be a namespace; anything that grows
		// with every digit would be far more.
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), text[:3])
	}
}

// encoding/json refuses what is nested deeper than 10,000; we must get that
// error, and not go down with the stack.
func TestDeepNestingIsRefused(t *testing.T) {
	_, err := decode(t, `2["a",`+strings.Repeat("[", 1<<20))
	require.ErrorIs(t, err, parser.ErrPacket)
	deep := `51-["a",` + strings.Repeat("[", 9000) + `{"_placeholder":true,"num":0}` + strings.Repeat("]", 9000) + `]`
	p, err := decode(t, deep, "x")
	require.NoError(t, err)
	var v any
	_, args := p.Event()
	require.NoError(t, args.Decode(&v))
}

// The seeds are one of each kind of packet and of each kind of mistake. What
// is accepted must come out the same when it is written and read again.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		`0`, `0{"sid":"x"}`, `0/admin,{}`, `1/a,`, `2["hey",1,{"a":[]}]`, `2/n,12["x"]`, `30[]`, `4{"message":"no"}`, `4"no"`,
		`51-["b",{"_placeholder":true,"num":0}]`, `62-1[{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]`,
		`2["\u0063onnect"]`, `2[ 1 , "\\\"" ]`, `511-[]`, `2["a",{"_placeholder":true,"num":{"_placeholder":true,"num":0}}]`, "2[\"\xff\"]",
	} {
		f.Add([]byte(seed), []byte("attachment"))
	}
	f.Fuzz(func(t *testing.T, text, attachment []byte) {
		var d parser.Decoder
		p, ok, err := d.Text(text)
		for n := 0; err == nil && !ok; n++ {
			if n == parser.MaxAttachments {
				t.Fatal("waits for more attachments than are allowed")
			}
			p, ok, err = d.Binary(attachment)
		}
		if err != nil {
			return
		}
		again := parser.Append(nil, &p)
		var d2 parser.Decoder
		p2, ok, err := d2.Text(again)
		for range p.Attachments {
			if err != nil || ok {
				t.Fatalf("%q was accepted, %q not: %v", text, again, err)
			}
			p2, ok, err = d2.Binary(attachment)
		}
		if err != nil || !ok {
			t.Fatalf("%q was accepted, %q not: %v", text, again, err)
		}
		require.Equal(t, p, p2)

		// Taking the arguments out may fail but must end, and they are JSON.
		args := p.Args()
		if p.Type == parser.Event || p.Type == parser.BinaryEvent {
			var name []byte
			if name, args = p.Event(); parser.Reserved(string(name)) {
				t.Fatalf("reserved name %q", name)
			}
		} else if p.Type != parser.Ack && p.Type != parser.BinaryAck {
			return
		}
		for arg := range args.All() {
			var v any
			var large *json.UnmarshalTypeError // 1e999 is JSON but no float64
			if err := arg.Decode(&v); err != nil && !(errors.As(err, &large) && strings.HasPrefix(large.Value, "number")) {
				t.Fatalf("argument %s of %q: %v", arg.JSON(), text, err)
			}
			var b []byte
			_ = arg.Decode(&b)
			var s struct{ A []byte }
			_ = arg.Decode(&s)
		}
	})
}

func ExampleDecoder() {
	var d parser.Decoder
	p, ok, err := d.Text([]byte(`2["hello","Ada",3]`))
	if err != nil || !ok {
		panic(err)
	}
	name, args := p.Event()
	var who string
	var times int
	if err := args.Decode(&who, &times); err != nil {
		panic(err)
	}
	fmt.Println(p.Type, string(name), who, times)
	// Output: EVENT hello Ada 3
}
