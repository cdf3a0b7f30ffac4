package engineio

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
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
		require.Contains(t, []Transport{"", Polling, WebSocket, WebTransport}, q.transport)
		if q.sid != "" {
			require.True(t, q.hasSID)
		}
		require.LessOrEqual(t, len(q.sid)+len(q.version), len(raw))
	})
}

// The same for payloads of version 3, whose bytes the official parser
// (engine.io's parser-v3) wrote for the first two seeds.
func FuzzPayload3(f *testing.F) {
	for _, seed := range []string{
		"5:4hé😀6:b4AQL/1:2", "\x00\x08\xff4h\xc3\xa9\xf0\x9f\x98\x80\x01\x04\xff\x04\x01\x02\xff\x00\x01\xff2",
		"", "0:", "1:😀", "2:4😀", "99999999999:4", "-1:4", "3:4", "1:4:", "\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff", "\x02\x01\xff4", "\x01\x01\xff\x03", "2:b4", "5:b5AQ=",
	} {
		f.Add([]byte(seed), seed != "" && seed[0] < '0')
	}
	f.Fuzz(func(t *testing.T, payload []byte, binary bool) {
		if !binary {
			payload = bytes.ToValidUTF8(payload, []byte("\uFFFD")) // as Session.split does
		}
		var packets []Outgoing
		var got []packet
		for p, err := range splitPayload3(payload, binary) {
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
		require.LessOrEqual(t, len(got), len(payload))
		again, isBinary := appendPayload3(nil, packets, binary)
		i := 0
		for p, err := range splitPayload3(again, isBinary) {
			if len(got) == 0 {
				break // nothing is no payload
			}
			require.NoError(t, err)
			require.Equal(t, got[i].typ, p.typ)
			require.Equal(t, got[i].binary, p.binary)
			require.True(t, bytes.Equal(got[i].data, p.data))
			i++
		}
		require.Equal(t, len(got), i)
	})
}

// The official parser's bytes for a text of characters of every width, a binary
// message and a ping.
func TestPayload3IsTheOfficialParsers(t *testing.T) {
	packets := []Outgoing{TextMessage([]byte("hé😀")), BinaryMessage([]byte{1, 2, 255}), outgoingPacket(packetPing, "")}
	text, isBinary := appendPayload3(nil, packets, false)
	require.False(t, isBinary)
	require.Equal(t, "5:4hé😀6:b4AQL/1:2", string(text))
	binary, isBinary := appendPayload3(nil, packets, true)
	require.True(t, isBinary)
	require.Equal(t, "0008ff3468c3a9f09f98800104ff040102ff0001ff32", hex.EncodeToString(binary))
}

// Packets of a stream come out as they went in, however they are cut, and no
// length makes us keep more than has come.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{"", "\x01" + "0", "\x064hello", "\x81\x01", "\x7e\x00\x05" + "4abcd", "\x7f\x00\x00\x00\x00\x00\x00\x00\x02" + "4a", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 16
		r := bufio.NewReaderSize(bytes.NewReader(data), 16)
		for {
			p, err := readFramed(r, most)
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(p.data), most)
			out := BinaryMessage(p.data)
			if !p.binary {
				out = outgoingPacket(p.typ, string(p.data))
			}
			again, err := readFramed(bufio.NewReader(bytes.NewReader(appendFramed(nil, out))), most+1)
			require.NoError(t, err)
			require.Equal(t, p.typ, again.typ)
			require.Equal(t, p.binary, again.binary)
			require.True(t, bytes.Equal(p.data, again.data))
		}
	})
}

// Whatever the fields of the cookie option, one cookie at most is set, no other
// header, and nothing that ends a line (GHSA-pxg6-pf52-xh8x).
func FuzzCookie(f *testing.F) {
	f.Add("io", "/", "", "abc")
	f.Add("", "/; HttpOnly=false\r\nX-Evil: 1", "a;b", "a; b=c")
	f.Add("a=b", "\x00", "::1", "\u2028\"")
	f.Fuzz(func(t *testing.T, name, path, domain, sid string) {
		s := NewServer(&Options{Cookie: &http.Cookie{Name: name, Path: path, Domain: domain}}, nil)
		w := httptest.NewRecorder()
		s.setCookie(w, sid)
		require.LessOrEqual(t, len(w.Header()), 1)
		set := w.Header().Values("Set-Cookie")
		require.LessOrEqual(t, len(set), 1)
		for _, line := range set {
			require.False(t, strings.ContainsAny(line, "\r\n\x00"), "%q", line)
			c, err := http.ParseSetCookie(line)
			require.NoError(t, err)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite, "an attribute was added")
			require.False(t, c.HttpOnly || c.Secure || c.MaxAge != 0, "an attribute was added")
		}
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
