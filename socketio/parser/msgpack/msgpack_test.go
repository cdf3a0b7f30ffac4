package msgpack

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio/parser"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// What the official client and other libraries wrote, byte by byte.
func TestPacketsAsOthersWriteThem(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		want parser.Packet
	}{
		"CONNECT of the official client, data undefined": {"83 a474797065 00 a36e7370 a12f a464617461 d40000",
			parser.Packet{Type: parser.Connect, Namespace: "/"}},
		"data nil": {"83 a474797065 00 a36e7370 a12f a464617461 c0", parser.Packet{Type: parser.Connect, Namespace: "/"}},
		"EVENT with options": {"84 a474797065 02 a464617461 92 a161 01 a76f7074696f6e73 81 a8636f6d7072657373 c3 a36e7370 a22f78",
			parser.Packet{Type: parser.Event, Namespace: "/x", Data: []byte(`["a",1]`)}},
		"numbers": {"83 a474797065 02 a36e7370 a12f a464617461 99 a161 ff d080 d18000 d280000000 d38000000000000000 ccff cfffffffffffffffff cb3ff8000000000000",
			parser.Packet{Type: parser.Event, Namespace: "/", Data: []byte(`["a",-1,-128,-32768,-2147483648,-9223372036854775808,255,18446744073709551615,1.5]`)}},
		"NaN and a date as notepack 2 writes it": {"83 a474797065 02 a36e7370 a12f a464617461 93 a161 cb7ff8000000000001 d70000000198a0b1c200",
			parser.Packet{Type: parser.Event, Namespace: "/", Data: []byte(`["a",null,"2025-08-12T23:51:00.864Z"]`)}},
		"a date as notepack 3 writes it": {"83 a474797065 02 a36e7370 a12f a464617461 92 a161 d6ff68000000",
			parser.Packet{Type: parser.Event, Namespace: "/", Data: []byte(`["a","2025-04-16T19:07:44.000Z"]`)}},
		"binary, and an ack id": {"84 a474797065 02 a36e7370 a12f a26964 0c a464617461 92 a161 c4030001ff",
			parser.Packet{Type: parser.BinaryEvent, Namespace: "/", HasID: true, ID: 12, Data: []byte(`["a",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{0, 1, 255}}}},
	} {
		p, ok, err := Format.NewDecoder().Binary(unhex(t, c.wire))
		require.NoError(t, err, name)
		require.True(t, ok)
		require.Equal(t, c.want, p, name)
	}
}

func TestMalformedPacketsAreRefused(t *testing.T) {
	for name, wire := range map[string]string{
		"nothing":               "",
		"no map":                "93 00 00 00",
		"no type":               "81 a36e7370 a12f",
		"no namespace":          "81 a474797065 00",
		"type 5":                "82 a474797065 05 a36e7370 a12f",
		"type nil":              "82 a474797065 c0 a36e7370 a12f",
		"an event without data": "82 a474797065 02 a36e7370 a12f",
		"a reserved event":      "83 a474797065 02 a36e7370 a12f a464617461 91 a7636f6e6e656374",
		"an object as name":     "83 a474797065 02 a36e7370 a12f a464617461 91 80",
		"CONNECT with an array": "83 a474797065 00 a36e7370 a12f a464617461 90",
		"too short":             "83 a474797065 02 a36e7370 a12f a464617461 92 a161",
		"a long array":          "83 a474797065 02 a36e7370 a12f a464617461 ddffffffff",
		"a long map":            "dfffffffff",
		"a long string":         "83 a474797065 02 a36e7370 dbffffffff",
		"more after it":         "82 a474797065 00 a36e7370 a12f 00",
		"a negative id":         "84 a474797065 02 a36e7370 a12f a26964 ff a464617461 91 a161",
		"a foreign extension":   "83 a474797065 02 a36e7370 a12f a464617461 92 a161 d40500",
		"a false placeholder":   "83 a474797065 02 a36e7370 a12f a464617461 92 a161 81 ac5f706c616365686f6c646572 c3",
		"binary in CONNECT":     "83 a474797065 00 a36e7370 a12f a464617461 81 a161 c400",
		"deep":                  "83 a474797065 02 a36e7370 a12f a464617461 " + strings.Repeat("91", 5000) + "c0",
	} {
		_, _, err := Format.NewDecoder().Binary(unhex(t, wire))
		require.ErrorIs(t, err, parser.ErrPacket, name)
	}
	_, _, err := Format.NewDecoder().Text([]byte("40"))
	require.ErrorIs(t, err, parser.ErrPacket)
}

// What goes out comes back the same.
func TestRoundTrip(t *testing.T) {
	var p parser.Packet
	p.Namespace = "/x"
	p.ID, p.HasID = 300, true
	require.NoError(t, p.SetEvent("name", "ü<>&", 1, -1, -200, 1<<40, 1.25, true, nil, strings.Repeat("x", 70000), []byte{1, 2},
		map[string]any{"blob": []byte{3}}, make([]int, 20), []any{}, map[string]int{}))
	wire, binary := Format.Append([]byte("4"), &p)
	require.True(t, binary)
	back, ok, err := Format.NewDecoder().Binary(wire[1:])
	require.NoError(t, err)
	require.True(t, ok)
	require.JSONEq(t, string(p.Data), string(back.Data))
	require.Equal(t, p.Attachments, back.Attachments)
	require.Equal(t, p.ID, back.ID)
	require.Equal(t, p.Type, back.Type)
}

// Whatever comes: an error or a packet that can be written again, in memory that
// the message bounds.
func FuzzDecode(f *testing.F) {
	for _, wire := range []string{
		"83 a474797065 00 a36e7370 a12f a464617461 d40000",
		"84 a474797065 02 a36e7370 a12f a26964 0c a464617461 92 a161 c4030001ff",
		"83 a474797065 02 a36e7370 a12f a464617461 93 a161 cb7ff8000000000001 d70000000198a0b1c200",
		"83 a474797065 03 a36e7370 a12f a464617461 dc0001 de0001 a161 81 a162 c3", "dfffffffff",
	} {
		f.Add(unhex(f, wire))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, ok, err := decoder{}.Binary(data)
		if err != nil || !ok {
			return
		}
		wire, _ := Format.Append(nil, &p)
		back, _, err := decoder{}.Binary(wire)
		require.NoError(t, err)
		require.Equal(t, p.Attachments, back.Attachments)
	})
}
