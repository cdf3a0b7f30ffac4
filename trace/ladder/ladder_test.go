package ladder

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

var update = flag.Bool("update", false, "write the pictures in testdata anew")

// picture gives what a Ladder makes of events.
func picture(t testing.TB, o Options, events []trace.Event) string {
	t.Helper()
	var b bytes.Buffer
	l := New(&b, o)
	for _, e := range events {
		l.Record(e)
	}
	require.NoError(t, l.Close())
	return b.String()
}

// The pictures in testdata, as a user sees them.
func TestPictures(t *testing.T) {
	visit := func() *script { return newScript("server", "10.77.0.2:80", "10.77.0.1:40122").chat(trace.In) }
	demo := newScript("client", "10.77.0.1:40122", "10.77.0.2:80")
	demo.next = [3]uint32{trace.Out: 3735928559, trace.In: 99}
	server := demo.flow.Remote.Addr()
	demo.aside(trace.Out, trace.ARP{Op: "request", Target: server}).after(4*time.Microsecond).
		aside(trace.In, trace.ARP{Op: "reply", Target: server, MAC: "02:00:00:00:00:02"}).after(9 * time.Microsecond).chat(trace.Out)
	wire := map[trace.Layer]string{trace.DataLink: "Ethernet, ARP", trace.Physical: "a wire in memory"}

	// Two visitors, their events in turn.
	a, b := visit(), newScript("server", "[fd77::2]:80", "[fd77::1]:50001").chat(trace.In)
	var both []trace.Event
	for i := range a.events {
		both = append(both, a.events[i], b.events[i])
	}

	// The first caller is refused, the second gives up; the third talks TLS.
	story := newScript("server", "10.77.0.2:443", "10.77.0.1:40001")
	story.seg(trace.In, trace.SYN, 0).after(time.Millisecond).seg(trace.Out, trace.RST|trace.ACK, 0)
	story.flow.Remote = netip.MustParseAddrPort("10.77.0.1:40002")
	story.after(time.Second).seg(trace.In, trace.SYN, 0).seg(trace.Out, trace.SYN|trace.ACK, 0)
	story.flow.Remote = netip.MustParseAddrPort("10.77.0.1:40003")
	story.after(time.Second).seg(trace.In, trace.SYN, 0) // too early: the second may go on yet
	story.flow.Remote = netip.MustParseAddrPort("10.77.0.1:40004")
	story.after(patience).connect(trace.In).say(trace.In, trace.TLS{Version: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ServerName: "strata.test", ALPN: "http/1.1"}).
		say(trace.In, trace.HTTP{Method: "GET", Path: "/"}).say(trace.Out, trace.HTTP{Status: 200})
	story.flow.Remote = netip.MustParseAddrPort("10.77.0.1:40005") // and the upgrade is on another connection
	story.after(time.Minute).chat(trace.In)

	// What goes neither by TCP nor in pairs, and text of other scripts.
	mixed := newScript("server", "10.77.0.2:80", "10.77.0.1:40122")
	id := int64(12)
	mixed.aside(trace.In, trace.ARP{Op: "request", Target: netip.MustParseAddr("fd77::2")}).
		aside(trace.In, trace.Datagram{Proto: "icmp", Len: 84, Info: "echo request"}).
		aside(trace.Out, trace.Datagram{Proto: "icmp", Len: 84, Info: "echo reply"}).
		say(trace.In, trace.Datagram{Proto: "udp", Len: 61}).
		say(0, trace.Connection{State: "ESTABLISHED"}).
		say(trace.Out, trace.Frame{Opcode: "text", Len: 9, Preview: "日本語"}).
		say(trace.Out, trace.Frame{Opcode: "continuation", Fin: true, RSV1: true, Len: 4, Preview: "naïve \x1b[2J\u202e"}).
		say(trace.In, trace.Message{Type: "BINARY_EVENT", Namespace: "/admin", Event: "подпись\n", ID: &id, Preview: `[{"_placeholder":true,"num":0}]`}).
		say(trace.Out, trace.Frame{Opcode: "text", Fin: true, Len: 45, Preview: `42["chat message","every layer c`}).
		say(trace.Out, trace.Message{Type: "EVENT", Namespace: "/", Event: "chat message", SID: "only repeats", Preview: `["chat message","every layer`}).
		say(trace.Out, trace.Message{Type: "EVENT", Namespace: "/", Event: "alone", Preview: `["alone"]`}).
		say(trace.Out, trace.Message{Type: "CONNECT", Namespace: "/", SID: "T9XwmPR6", Preview: `{"sid":"T9XwmPR6"}`}).
		say(trace.In, trace.Message{Type: "DISCONNECT", Namespace: "/", SID: "T9XwmPR6"}).
		say(trace.In, trace.Frame{Opcode: "close", Fin: true, Masked: true, Len: 7, Code: 1001, Preview: "going"}).
		say(0, trace.Engine{Type: "close", Transport: "polling", SID: "lv_VI97H"}).
		say(0, trace.Connection{State: "CLOSED", Cause: "FIN", Sent: 1 << 20, Received: 7})

	// Of TLS the steps are shown, and not what carries what is shown itself.
	secret := newScript("server", "10.77.0.2:443", "10.77.0.1:40122").connect(trace.In)
	secret.say(trace.In, trace.TLSRecord{Type: "handshake", Step: "client hello", To: 252}).
		say(trace.Out, trace.TLSRecord{Type: "handshake", Step: "server hello", To: 127}).
		say(trace.Out, trace.TLSRecord{Type: "application data", Step: "encrypted handshake", From: 127, To: 900}).
		say(trace.In, trace.TLSRecord{Type: "application data", Step: "finished", From: 252, To: 310}).
		say(trace.In, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 5, Preview: "hello"}).
		say(trace.In, trace.TLSRecord{Type: "application data", From: 310, To: 343}).
		say(trace.Out, trace.TLSRecord{Type: "alert", Step: "handshake failure", From: 900, To: 907})

	for _, c := range []struct {
		name   string
		o      Options
		events []trace.Event
	}{
		{"conversation", Options{Which: Conversation, Local: "client", Peer: "server", Layers: wire}, demo.events},
		{"conversation-narrow", Options{Which: Conversation, Local: "client", Peer: "server", Layers: wire, Width: 40}, demo.events},
		{"conversation-lossy", Options{Which: Conversation}, newScript("server", "[fd77::2]:80", "[fd77::1]:40122").lossy().events},
		{"first", Options{}, visit().events},
		{"first-80", Options{Width: 80}, visit().events},
		{"first-ascii", Options{Width: 60, ASCII: true, Closing: "Quiet from here on; --verbose shows every connection."}, visit().events},
		{"first-color", Options{Color: true}, visit().events},
		{"first-after-failures", Options{Local: "strata"}, story.events},
		{"all", Options{Which: All}, both},
		{"all-wide", Options{Which: All, Width: 120}, both},
		{"all-narrow", Options{Which: All, Width: 40}, both[:16]},
		{"all-lossy", Options{Which: All}, newScript("server", "10.77.0.2:80", "10.77.0.1:40122").lossy().events},
		{"all-mixed", Options{Which: All}, mixed.events},
		{"all-tls", Options{Which: All}, secret.events},
		{"all-mixed-ascii", Options{Which: All, ASCII: true}, mixed.events},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := picture(t, c.o, c.events)
			path := filepath.Join("testdata", c.name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			checkPage(t, c.o, got)
		})
	}
}

// checkPage checks what holds for every picture: no line is too long, and
// nothing in it is obeyed by a terminal but the colours that were asked for.
func checkPage(t testing.TB, o Options, page string) {
	t.Helper()
	if o.Color {
		for _, s := range []style{bold, dim, alarm, "32", "33", "35", "36", "94", "90", "0"} {
			page = strings.ReplaceAll(page, "\x1b["+string(s)+"m", "")
		}
	}
	width := o.Width
	if width == 0 {
		width = 100
	}
	width = max(width, minWidth)
	if o.Which == All {
		width = max(width, 58)
	}
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, columns(line), width, line)
		require.Equal(t, line, printable(line, o.ASCII, len(line)+1))
	}
}

// None shows nothing, whatever happens.
func TestNone(t *testing.T) {
	events := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").chat(trace.In).events
	require.Empty(t, picture(t, Options{Which: None}, events))
}

// A Ladder without events says nothing, in every mode.
func TestNothingHappens(t *testing.T) {
	for _, which := range []Which{First, Conversation, All, None} {
		require.Empty(t, picture(t, Options{Which: which}, []trace.Event{{}}))
	}
}

// Two hosts of one program report the same conversation, each as it sees it:
// one of them is shown.
func TestOneOfTwoHosts(t *testing.T) {
	server := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").chat(trace.In)
	client := newScript("client", "10.77.0.1:40122", "10.77.0.2:80").chat(trace.Out)
	both := append(append([]trace.Event{}, client.events...), server.events...)

	require.Equal(t, picture(t, Options{Which: Conversation}, client.events), picture(t, Options{Which: Conversation}, both),
		"the first that is heard of")
	require.Equal(t, picture(t, Options{Which: Conversation}, server.events), picture(t, Options{Which: Conversation, Host: "server"}, both))

	nameless := newScript("", "10.77.0.2:80", "10.77.0.1:40122").chat(trace.In)
	require.Equal(t, picture(t, Options{Which: Conversation}, nameless.events), picture(t, Options{Which: Conversation, Host: "server"}, nameless.events),
		"events that name no host are not left out")
}

// When the story is told, nothing is shown any more, and recording costs a
// comparison.
func TestQuietAfterTheStory(t *testing.T) {
	events := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").chat(trace.In).events
	again := append(append([]trace.Event{}, events...), events...)
	require.Equal(t, picture(t, Options{}, events), picture(t, Options{}, again))

	l := New(&bytes.Buffer{}, Options{})
	for _, e := range events {
		l.Record(e)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { l.Record(events[0]) }))
	require.NoError(t, l.Close())
}

// A raw exchange of many short requests and answers does not become a line
// each for ever.
func TestALongExchangeIsGathered(t *testing.T) {
	s := newScript("server", "10.77.0.2:7", "10.77.0.1:40122")
	for range 1000 {
		s.after(time.Microsecond).seg(trace.In, trace.PSH|trace.ACK, 64).seg(trace.Out, trace.PSH|trace.ACK, 64)
	}
	page := picture(t, Options{Which: All}, s.events)
	require.Less(t, strings.Count(page, "\n"), 10)
	require.Contains(t, page, "998 segments, 62.4 KiB out, 998 segments, 62.4 KiB in")
}

// However many connections there are, so many are remembered and no more; what
// was gathered of one that is forgotten is told before.
func TestMemoryIsBounded(t *testing.T) {
	for _, which := range []Which{All, Conversation} {
		var b bytes.Buffer
		l := New(&b, Options{Which: which, MaxFlows: 10})
		for i := range 200 {
			s := newScript("server", "10.77.0.2:80", fmt.Sprintf("10.77.0.1:%d", 10000+i))
			for _, e := range s.connect(trace.In).seg(trace.In, trace.PSH|trace.ACK, 77).seg(trace.In, trace.PSH|trace.ACK, 77).events {
				l.Record(e)
			}
			require.LessOrEqual(t, len(l.flows.byKey), 10)
			require.Equal(t, len(l.flows.byKey), l.flows.order.Len())
		}
		require.Equal(t, 10, len(l.flows.byKey))
		require.NoError(t, l.Close())
		if which == All {
			require.Equal(t, 200, strings.Count(b.String(), "2 segments, 154 B in"))
		}
	}
}

// A flow that was heard of lately outlives one that was not.
func TestTheLeastRecentIsForgotten(t *testing.T) {
	gone := 0
	table := flows{max: 2, byKey: map[trace.Flow]*flowEntry{}, evicted: func() { gone++ }}
	key := func(port uint16) trace.Flow {
		return trace.Flow{Remote: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port)}
	}
	one := table.get(key(1))
	table.get(key(2))
	require.Same(t, one, table.get(key(1)))
	table.get(key(3))
	require.Equal(t, 1, gone)
	require.NotContains(t, table.byKey, key(2))
	require.Same(t, one, table.get(key(1)))
}

// Many floors report at once: every line arrives whole.
func TestConcurrentRecord(t *testing.T) {
	for _, which := range []Which{First, Conversation, All} {
		o := Options{Which: which}
		var b bytes.Buffer
		l := New(&b, o)
		var wg sync.WaitGroup
		for i := range 8 {
			events := newScript("server", "10.77.0.2:80", fmt.Sprintf("10.77.0.1:%d", 40000+i)).chat(trace.In).events
			wg.Go(func() {
				for range 5 {
					for _, e := range events {
						l.Record(e)
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, l.Close())
		checkPage(t, o, b.String())
		for line := range strings.Lines(b.String()) {
			require.True(t, strings.HasSuffix(line, "\n"))
		}
	}
}

// stopped is a terminal whose user has pressed Ctrl-S: Write waits.
type stopped struct {
	bytes.Buffer
	wake chan struct{}
}

func (s *stopped) Write(b []byte) (int, error) {
	<-s.wake
	return s.Buffer.Write(b)
}

// A terminal that was stopped does not stop the network: what waits is
// bounded, and when it goes on a line says how much was left out.
func TestAStoppedTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble ends only if no goroutine is left
		tty := &stopped{wake: make(chan struct{})}
		l := New(tty, Options{Which: All})
		s := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").say(trace.In, trace.HTTP{Method: "GET", Path: "/"})
		const events = 10_000
		for range events {
			l.Record(s.events[0])
		}
		synctest.Wait()
		require.LessOrEqual(t, len(l.out.waiting), waitingText)
		close(tty.wake)
		synctest.Wait()
		l.Record(s.events[0]) // finds room again
		require.NoError(t, l.Close())

		shown := strings.Count(tty.String(), "HTTP GET /")
		left := 0
		for line := range strings.Lines(tty.String()) { // a line for each time that it was too slow
			if note, ok := strings.CutPrefix(line, "… "); ok {
				var n int
				_, err := fmt.Sscanf(note, "%d events are not shown", &n)
				require.NoError(t, err)
				left += n
			}
		}
		require.Equal(t, events+1, shown+left)
		require.Greater(t, left, shown)
	})
}

// With Whole it is Record that waits.
func TestWholeWaitsForTheTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tty := &stopped{wake: make(chan struct{})}
		l := New(tty, Options{Which: All, Whole: true})
		s := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").say(trace.In, trace.HTTP{Method: "GET", Path: "/"})
		const events = 10_000
		done := 0
		go func() {
			for ; done < events; done++ {
				l.Record(s.events[0])
			}
		}()
		synctest.Wait()
		require.Zero(t, done)
		close(tty.wake)
		synctest.Wait()
		require.NoError(t, l.Close())
		require.Equal(t, events, strings.Count(tty.String(), "HTTP GET /"))
	})
}

// What connections do at the same time is drawn in order, though their segments are
// gathered.
func TestConnectionsAreDrawnInOrder(t *testing.T) {
	var events []trace.Event
	at := time.Unix(0, 0)
	tell := func(port uint16, what trace.What) {
		at = at.Add(10 * time.Millisecond)
		flow := trace.Flow{Local: netip.MustParseAddrPort("10.77.0.2:80"), Remote: netip.AddrPortFrom(netip.MustParseAddr("10.77.0.1"), port)}
		events = append(events, trace.Event{At: at, Host: "server", Dir: trace.In, Flow: flow, What: what})
	}
	for n := range uint32(20) {
		tell(1, trace.Segment{Flags: trace.ACK, Seq: 1 + n, Len: 1, Window: 1000})
		tell(2, trace.Segment{Flags: trace.ACK, Seq: 1 + n, Len: 1, Window: 1000})
		tell(3, trace.Frame{Opcode: "text", Fin: true})
	}
	var last float64
	lines := 0
	for line := range strings.Lines(picture(t, Options{Which: All}, events)) {
		var ms float64
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%f ms", &ms); err == nil {
			require.GreaterOrEqual(t, ms, last, line)
			last = ms
			lines++
		}
	}
	require.Equal(t, 60-1, lines) // the first is at 0 µs
	require.Equal(t, 590.0, last)
}

// Close does not wait for ever for a terminal that stays stopped.
func TestCloseWithAStoppedTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tty := &stopped{wake: make(chan struct{})}
		l := New(tty, Options{Which: All})
		l.Record(newScript("server", "10.77.0.2:80", "10.77.0.1:40122").say(trace.In, trace.HTTP{Method: "GET"}).events[0])
		began := time.Now()
		require.ErrorContains(t, l.Close(), "took nothing for 2s")
		require.Equal(t, closeWait, time.Since(began))
		close(tty.wake) // lets the goroutine that writes go
	})
}

type broken struct{ calls int }

func (b *broken) Write([]byte) (int, error) {
	b.calls++
	return 0, errors.New("broken pipe")
}

// The error of a pipe that broke is told by Close; it is not written to again.
func TestABrokenPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &broken{}
		l := New(pipe, Options{Which: All})
		for range 3 {
			l.Record(newScript("server", "10.77.0.2:80", "10.77.0.1:40122").say(trace.In, trace.HTTP{Method: "GET"}).events[0])
			synctest.Wait()
		}
		require.ErrorContains(t, l.Close(), "broken pipe")
		require.ErrorContains(t, l.Close(), "broken pipe")
		require.Equal(t, 1, pipe.calls)
	})
}

// Whatever a peer says, the terminal does not obey it and no line is too long.
func FuzzPage(f *testing.F) {
	f.Add("hello", "/chat", "EVENT", uint16(100), uint8(0))
	f.Add("\x1b]0;pwned\a\x1b[2J\r\n\b\x9b31m", "/\x00\x7f\u0085\u2028", "\u202eEVENT\u200b", uint16(0), uint8(1))
	f.Add(strings.Repeat("漢", 500), strings.Repeat("a\u0301\u0302\u0303\u0304", 90), "👩‍👩‍👧 \xff\xfe", uint16(41), uint8(6))
	f.Add("  spaces   everywhere  ", "", " ", uint16(61), uint8(13))
	f.Fuzz(func(t *testing.T, said, path, name string, width uint16, how uint8) {
		o := Options{
			Width: int(width % 200), Color: how&1 != 0, ASCII: how&2 != 0, Which: Which(how >> 2 % 4),
			Local: name, Peer: said, Closing: said, Layers: map[trace.Layer]string{trace.Physical: path},
		}
		s := newScript("server", "10.77.0.2:80", "[fe80::1%eth0]:40122")
		s.connect(trace.In).
			aside(trace.In, trace.ARP{Op: "reply", MAC: said}).
			aside(trace.In, trace.Datagram{Proto: name, Info: said}).
			say(trace.In, trace.TLS{Version: name, CipherSuite: said, ServerName: path, ALPN: name}).
			say(trace.In, trace.HTTP{Method: name, Path: path, Upgrade: "WebSocket", Key: said}).
			say(trace.Out, trace.HTTP{Status: 101, Upgrade: said, Key: path}).
			say(trace.In, trace.Frame{Opcode: name, Preview: said}).
			say(trace.Out, trace.Frame{Opcode: "close", Fin: true, Code: 1002, Preview: path}).
			say(trace.In, trace.Engine{Type: name, SID: said, Transport: path}).
			say(trace.In, trace.Message{Type: "EVENT", Namespace: path, SID: said, Event: name, Preview: said}).
			say(trace.In, trace.Message{Type: name, Namespace: path, Preview: path}).
			say(0, trace.Connection{State: name, Cause: said})
		checkPage(t, o, picture(t, o, s.events))
	})
}

func BenchmarkRecord(b *testing.B) {
	s := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").chat(trace.In)
	data := trace.Event{At: s.at, Host: "server", Dir: trace.Out, Flow: s.flow}
	bench := func(name string, o Options, prepare []trace.Event, next func() trace.Event) {
		b.Run(name, func(b *testing.B) {
			l := New(discard{}, o)
			for _, e := range prepare {
				l.Record(e)
			}
			b.ReportAllocs()
			for b.Loop() {
				l.Record(next())
			}
			require.NoError(b, l.Close())
		})
	}
	seq := uint32(0)
	segment := func() trace.Event {
		e := data
		e.What = trace.Segment{Flags: trace.ACK, Seq: seq, Window: 502, Len: 1448}
		seq += 1448
		return e
	}
	frame := func() trace.Event {
		e := data
		e.What = trace.Frame{Opcode: "text", Fin: true, Len: 19, Preview: `423["hello","world"]`}
		return e
	}
	bench("First, told", Options{}, s.events, segment)
	bench("First, waiting for an upgrade", Options{}, s.events[:3], segment)
	bench("All, gathered", Options{Which: All}, nil, segment)
	bench("All, drawn", Options{Which: All}, nil, frame)
	bench("All, drawn in colour", Options{Which: All, Color: true}, nil, frame)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
