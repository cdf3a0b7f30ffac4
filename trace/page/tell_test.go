package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
	"strata/trace/explain"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	flow = trace.Flow{Local: netip.MustParseAddrPort("10.0.0.1:4000"), Remote: netip.MustParseAddrPort("10.0.0.2:80")}
)

const ms = time.Millisecond

// TLS is told from outside: the handshake's records are marks of the sixth layer,
// those that carry a message are counted with it.
func TestTLSRecords(t *testing.T) {
	r := opened()
	at := func(from uint64, typ, step string, n int) trace.TLSRecord {
		return trace.TLSRecord{Type: typ, Step: step, From: from, To: from + uint64(n)}
	}
	r.tell(50, "phone", trace.Out, trace.Stream{From: 0, To: 200, TLS: true})
	r.tell(50, "phone", trace.Out, at(0, "handshake", "client hello", 200))
	for n := range uint64(2) {
		f := trace.Frame{Opcode: "text", Fin: true, Len: 3, Preview: "hey"}
		from := 200 + 27*n
		r.tell(60, "phone", trace.Out, f)
		r.tell(60, "phone", trace.Out, trace.Stream{From: from, To: from + 27})
		r.tell(60, "phone", trace.Out, at(from, "application data", "", 27))
	}
	d := tell(explain.Join(*r), Options{})
	var marks []string
	for _, m := range d.Marks {
		if m.Layer == int(trace.Presentation) {
			marks = append(marks, d.Words[m.Text])
		}
	}
	require.Equal(t, []string{"TLS client hello, 200 bytes"}, marks)
	require.Len(t, d.Messages, 2)
	for _, m := range d.Messages {
		require.Equal(t, 1, m.Records)
	}
}

// recording is written down, in milliseconds after noon.
type recording []trace.Event

func (r *recording) tell(at int, host string, dir trace.Direction, what trace.What) {
	f := flow
	if host == "server" {
		f = f.Reverse()
	}
	*r = append(*r, trace.Event{At: noon.Add(time.Duration(at) * ms), Host: host, Dir: dir, Flow: f, What: what})
}

// crosses is a segment's way over one wire, 10 ms; dropped is why it did not
// arrive.
func (r *recording) crosses(at int, from, wire, dropped string, seg trace.Segment) {
	f := flow
	if from == "server" {
		f = f.Reverse()
	}
	p := trace.Passage{Wire: wire, Sent: noon.Add(time.Duration(at) * ms), Delayed: 10 * ms, Dropped: dropped, Packet: seg}
	*r = append(*r, trace.Event{At: p.Sent.Add(10 * ms), Dir: trace.Out, Flow: f, What: p})
}

// opened is a connection over a router, of which all is told.
func opened() *recording {
	var r recording
	syn, both := trace.Segment{Flags: trace.SYN, Seq: 99, Packet: 60}, trace.Segment{Flags: trace.SYN | trace.ACK, Seq: 499, Ack: 100, Packet: 60}
	r.tell(0, "phone", trace.Out, syn)
	r.crosses(0, "phone", "phone-router from A to B", "", syn)
	r.crosses(10, "phone", "router-server from A to B", "", syn)
	r.tell(20, "server", trace.Out, both)
	r.crosses(20, "server", "router-server from B to A", "", both)
	r.crosses(30, "server", "phone-router from B to A", "", both)
	r.tell(40, "phone", 0, trace.Connection{State: "ESTABLISHED"})
	return &r
}

// Acknowledgements that look the same are told apart by when they were sent,
// over two wires, one of them lost on the second.
func TestAcknowledgementsAlike(t *testing.T) {
	r := opened()
	ack := trace.Segment{Flags: trace.ACK, Seq: 100, Ack: 500, Packet: 52}
	for at := 40; at <= 44; at += 2 {
		r.tell(at, "phone", trace.Out, ack)
	}
	for at := 40; at <= 44; at += 2 {
		r.crosses(at, "phone", "phone-router from A to B", "", ack)
	}
	r.crosses(50, "phone", "router-server from A to B", "", ack)
	r.crosses(52, "phone", "router-server from A to B", trace.DroppedLoss, ack)
	r.crosses(54, "phone", "router-server from A to B", "", ack)

	d := tell(explain.Join(*r), Options{})
	require.Len(t, d.Packets.At, 5)
	require.Equal(t, []int64{0, 20, 20, 2, 2}, inMS(d.Packets.At), "each from the one before")
	require.Equal(t, []int64{20, 20, 20, -1, 20}, inMS(d.Packets.Took))
	require.Equal(t, []int64{-1, 0, 0, 0, 0}, d.Packets.Ack)
	var twos [5]int
	for _, p := range d.Hops.Packet {
		twos[p]++
	}
	require.Equal(t, [5]int{2, 2, 2, 2, 2}, twos)
	require.Len(t, d.Wires, 4)
	require.Equal(t, []string{"phone", "server"}, d.Hosts)
	require.Len(t, d.Marks, 1)
}

func inMS(all []int64) []int64 {
	out := make([]int64, len(all))
	for i, n := range all {
		if out[i] = n; n > 0 {
			out[i] = n / int64(ms)
		}
	}
	return out
}

// Without a recording of the wires there are the segments, and no more is said.
func TestWiresNotRecorded(t *testing.T) {
	var r recording
	r.tell(0, "phone", trace.Out, trace.Segment{Flags: trace.SYN, Seq: 99})
	r.tell(1, "server", trace.Out, trace.Segment{Flags: trace.SYN | trace.ACK, Seq: 499, Ack: 100})
	r.tell(2, "phone", trace.Out, trace.Segment{Flags: trace.ACK, Seq: 100, Ack: 500})
	r.tell(3, "phone", trace.Out, trace.Frame{Opcode: "text", Fin: true, Len: 3})
	r.tell(3, "phone", trace.Out, trace.Stream{To: 5})
	for _, at := range []int{3, 300} {
		r.tell(at, "phone", trace.Out, trace.Segment{Flags: trace.PSH | trace.ACK, Seq: 100, Ack: 500, Len: 5})
	}
	d := tell(explain.Join(r), Options{})
	require.Equal(t, []int64{-1, -1, -1, -1, -1}, d.Packets.Took)
	require.Empty(t, d.Hops.Packet)
	again := d.Packets.Again
	require.Equal(t, "cause not told", d.Words[again[len(again)-1]])
	require.Len(t, d.Messages, 1)
	require.Equal(t, []int{3, 4}, d.Messages[0].Packets)
	require.Contains(t, d.Words[d.Messages[0].Trouble], "not received")
}

// What there is too much of is left out, and counted.
func TestLimit(t *testing.T) {
	r := opened()
	for i := range 5 {
		r.tell(50+i, "phone", trace.Out, trace.Frame{Opcode: "ping", Fin: true})
		r.tell(50+i, "phone", trace.Out, trace.Stream{From: uint64(2 * i), To: uint64(2*i + 2)})
		seg := trace.Segment{Flags: trace.ACK, Seq: 100 + uint32(2*i), Len: 2, Ack: 500}
		r.tell(50+i, "phone", trace.Out, seg)
		r.crosses(50+i, "phone", "phone-router from A to B", "", seg)
		r.tell(50+i, "phone", 0, trace.TLS{Version: "TLS 1.3"})
	}
	d := tell(explain.Join(*r), Options{Limit: 3})
	require.Equal(t, leftOut{Packets: 4, Messages: 2, Marks: 3}, d.LeftOut)
	require.Len(t, d.Packets.At, 3)
	require.Len(t, d.Messages, 3)
	require.Empty(t, d.Messages[1].Packets, "left out")
	require.Len(t, d.Marks, 3)
}

// The smallest story, and what a page is made of: the data come back as they
// were, the policy has the hashes of what is in the page, and no place for
// anything else.
func TestEmptyStory(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, explain.Join(nil), Options{Title: `</title><script>alert("1")</script>`}))
	html := b.String()
	require.NotContains(t, html, "{{")
	require.NotContains(t, html, "<script>alert")
	packed := regexp.MustCompile(`id="data">([A-Za-z0-9+/=]*)</script>`).FindStringSubmatch(html)
	require.Len(t, packed, 2)
	small, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed[1])))
	require.NoError(t, err)
	var d data
	require.NoError(t, json.NewDecoder(small).Decode(&d))
	require.Equal(t, []string{""}, d.Words)

	inside := func(tag string) string {
		_, rest, _ := strings.Cut(html, "<"+tag+">")
		body, _, _ := strings.Cut(rest, "</"+tag+">")
		return body
	}
	require.Contains(t, html, "style-src 'sha256-"+digest(inside("style"))+"'")
	require.Contains(t, html, "script-src 'sha256-"+digest(inside("script"))+"'")
	require.Contains(t, html, "default-src 'none';")
	require.NotRegexp(t, `(src|href)\s*=`, html[:strings.Index(html, "<script")], "nothing is fetched")
}

// A file is there whole, or as it was.
func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "story.html")
	require.NoError(t, WriteFile(path, explain.Join(nil), Options{}))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), "Why was it late?")
	require.ErrorIs(t, WriteFile(filepath.Join(path, "below", "it.html"), explain.Join(nil), Options{}), errNotADirectory(t, path))
	all, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, all, 1, "nothing half written is left")
	require.ErrorIs(t, Write(full{}, explain.Join(nil), Options{}), errFull)
}

// errNotADirectory is what the system says of a file that is taken for a folder.
func errNotADirectory(t *testing.T, file string) error {
	_, err := os.Create(filepath.Join(file, "below", "it.html"))
	require.Error(t, err)
	return errors.Unwrap(err)
}

var errFull = errors.New("no space left on device")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// What is written on a message's bar.
func TestName(t *testing.T) {
	for want, what := range map[string]trace.What{
		"hello":       trace.Frame{Opcode: "text", Len: 5, Preview: "hello"},
		"hello…":      trace.Frame{Opcode: "text", Len: 50, Preview: "hello"},
		"zip":         trace.Frame{Opcode: "text", RSV1: true, Len: 50, Preview: "zip"},
		"close 1001":  trace.Frame{Opcode: "close", Code: 1001},
		"ping":        trace.Frame{Opcode: "ping"},
		"GET /chat":   trace.HTTP{Method: "GET", Path: "/chat"},
		"HTTP 101":    trace.HTTP{Status: 101},
		"say":         trace.Message{Type: "EVENT", Event: "say"},
		"ACK":         trace.Message{Type: "ACK"},
		"open":        trace.Engine{Type: "open"},
		"TLS 1.3 abc": trace.TLS{Version: "TLS 1.3", CipherSuite: "abc"},
	} {
		require.Equal(t, want, name(what))
	}
	require.Equal(t, "a␀␊␡b", visible("a\x00\n\x7fb"))
}

// What a message says has no more quotes around it than its sender put there.
func TestSaid(t *testing.T) {
	for want, what := range map[string]trace.What{
		`move "north"`:     trace.Message{Type: "EVENT", Event: "move", Preview: `["move","north"]`},
		`move {"x":[1]},2`: trace.Message{Type: "EVENT", Event: "move", Preview: `["move",{"x":[1]},2]`},
		`move "nor…`:       trace.Message{Type: "EVENT", Event: "move", Preview: `["move","nor…`},
		`bye`:              trace.Message{Type: "EVENT", Event: "bye", Preview: `["bye"]`},
		`bye [ "bye"]`:     trace.Message{Type: "EVENT", Event: "bye", Preview: `[ "bye"]`},
		`42["move","nor…`:  trace.Frame{Opcode: "text", Len: 50, Preview: `42["move","nor`},
		`a␊b`:              trace.Frame{Opcode: "text", Len: 3, Preview: "a\nb"},
		`ACK`:              trace.Message{Type: "ACK", Preview: "[1]"},
	} {
		require.Equal(t, want, Said(what))
	}
}
