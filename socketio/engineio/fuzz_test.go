package engineio

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is accepted comes out the same when it is written and split again. The
// seeds have every type of packet, binary, and mistakes.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"", "4hello", "4\x1e2\x1e3probe", "bAAEC", "bAQI=\x1e4b", "6", "1", "5", "b", "\x1e", "x", "4a\x1e\x1e4b", "0{}", "4\x00\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var packets []Outgoing
		var got []packet
		for p, err := range splitPayload(payload) {
			if err != nil {
				return
			}
			got = append(got, p)
			if p.binary {
				packets = append(packets, BinaryMessage(p.data))
			} else {
				packets = append(packets, outgoingPacket(p.typ, string(p.data)))
			}
		}
		require.LessOrEqual(t, len(got), len(payload)+1)
		again := appendPayload(nil, packets)
		i := 0
		for p, err := range splitPayload(again) {
			require.NoError(t, err)
			require.Equal(t, got[i].typ, p.typ)
			require.Equal(t, got[i].binary, p.binary)
			require.True(t, bytes.Equal(got[i].data, p.data))
			i++
		}
		require.Equal(t, len(got), i)
	})
}

// A query never names a transport or a session that is not in it once.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"EIO=4&transport=polling", "EIO=4&transport=websocket&sid=abc", "transport=polling&transport=websocket", "sid=&sid=",
		"%zz", "a;b", "EIO=4&b64=1", "transport=__proto__", "transport=%70olling", "sid=%00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q := parseQuery(raw)
		require.Contains(t, []Transport{"", Polling, WebSocket}, q.transport)
		if q.sid != "" {
			require.True(t, q.hasSID)
		}
		require.LessOrEqual(t, len(q.sid)+len(q.version), len(raw))
	})
}

// What one message costs on its way to a poll and from a POST.
func BenchmarkPayload(b *testing.B) {
	packets := []Outgoing{TextMessage(bytes.Repeat([]byte("a"), 100)), BinaryMessage(make([]byte, 100))}
	payload := appendPayload(nil, packets)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		payload = appendPayload(payload[:0], packets)
		for _, err := range splitPayload(payload) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
