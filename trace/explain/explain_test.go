package explain_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
	"strata/trace"
	"strata/trace/explain"
	"strata/ws"
)

// talk is a phone that has a WebSocket to a server, 50 ms away, and a recording
// of all floors.
type talk struct {
	w             *lab.World
	wire          *lab.Wire
	rec           *trace.Recording
	phone, server *ws.Conn
}

func run(t *testing.T, shape string, f func(k *talk)) *explain.Story {
	return runOver(t, "ws", shape, f)
}

func runOver(t *testing.T, scheme, shape string, f func(k *talk)) *explain.Story {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		phone, server := w.Host("phone"), w.Host("server")
		k := &talk{w: w, wire: w.Connect(phone, server, link.MustParseShape(shape)), rec: rec}
		accepted := make(chan *ws.Conn)
		ended := make(chan struct{})
		var ln net.Listener = server.Listen(":80")
		if scheme == "wss" {
			ln = tls.NewListener(ln, w.TLSConfig(server))
		}
		go http.Serve(ln, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(rw, r, &ws.AcceptOptions{Recorder: rec, Host: "server"})
			if err != nil {
				return
			}
			accepted <- c
			<-ended
		}))
		var err error
		w.Go(func() {
			k.phone, _, err = ws.Dial(w.Context(), scheme+"://server:80/", &ws.DialOptions{
				DialContext: phone.DialContext, TLSConfig: w.TLSConfig(phone), Recorder: rec, Host: "phone",
			})
		})
		k.server = <-accepted
		w.Wait()
		require.NoError(t, err)
		f(k)
		k.phone.CloseNow()
		k.server.CloseNow()
		close(ended)
	}, lab.Record(rec))
	events, dropped := rec.Events()
	require.Zero(t, dropped)
	return explain.Join(events)
}

// says has the phone send texts, one right after the other, and the server read
// them.
func (k *talk) says(t *testing.T, texts ...string) {
	ctx := context.Background()
	k.w.Go(func() {
		for _, text := range texts {
			require.NoError(k.w.T(), k.phone.Write(ctx, ws.MessageText, []byte(text)))
		}
	})
	for _, text := range texts {
		_, got, err := k.server.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, len(text), len(got))
	}
	k.w.Wait()
}

// texts are the text messages of a story.
func texts(s *explain.Story) (found []*explain.Message) {
	for _, m := range s.Messages {
		if f, ok := m.What.(trace.Frame); ok && f.Opcode == "text" {
			found = append(found, m)
		}
	}
	return found
}

// whole checks that the parts follow each other from the sending to the
// reception, and gives them by name.
func whole(t *testing.T, e *explain.Explanation) map[string]time.Duration {
	t.Helper()
	t.Logf("%v", e)
	at := e.Message.Sent
	sums := map[string]time.Duration{}
	for _, p := range e.Parts {
		require.Equal(t, at, p.From)
		require.True(t, p.To.After(p.From))
		sums[p.Name] += p.Took()
		at = p.To
	}
	require.False(t, at.Before(e.Message.Received))
	require.Equal(t, at.Sub(e.Message.Sent), e.Latency())
	return sums
}

const ms = time.Millisecond

func TestNothingHappens(t *testing.T) {
	s := run(t, "delay 50ms", func(k *talk) { k.says(t, "hello") })
	require.Len(t, s.Conns, 1)
	m := texts(s)[0]
	require.Equal(t, "phone", m.Sender())
	require.Equal(t, "server", m.Receiver())
	e, err := m.Explain()
	require.NoError(t, err)
	require.Equal(t, map[string]time.Duration{explain.Propagation: 50 * ms}, whole(t, e))
	require.Empty(t, e.Losses)
}

func TestRateAndQueue(t *testing.T) {
	// 100 bytes of IPv4, TCP with timestamps, and a masked frame: 52 + 6 + 42.
	text := strings.Repeat("x", 42)
	s := run(t, "delay 50ms rate 800kbit", func(k *talk) {
		k.w.Sleep(time.Second) // the handshake's last acknowledgement is out of the way
		k.says(t, text, text, text)
	})
	for i, m := range texts(s) {
		e, err := m.Explain()
		require.NoError(t, err)
		want := map[string]time.Duration{explain.Serialization: ms, explain.Propagation: 50 * ms}
		if i > 0 {
			want[explain.Queue] = time.Duration(i) * ms
		}
		require.Equal(t, want, whole(t, e))
	}
}

// Behind TLS a message is in its records: 22 bytes more each (RFC 8446 §5.2).
func TestThroughTLS(t *testing.T) {
	s := runOver(t, "wss", "delay 50ms", func(k *talk) {
		k.says(t, "hello")
		k.wire.Rule(link.DropFirst(link.Data))
		k.says(t, "lost", strings.Repeat("behind it ", 300))
	})
	all := texts(s)
	e, err := all[0].Explain()
	require.NoError(t, err)
	require.Equal(t, map[string]time.Duration{explain.Propagation: 50 * ms}, whole(t, e))
	require.Equal(t, uint64(6+5+22), all[0].To-all[0].From)

	lost, err := all[1].Explain()
	require.NoError(t, err)
	sums := whole(t, lost)
	require.Len(t, lost.Losses, 1)
	require.Equal(t, lost.Losses[0].Again.Sub(lost.Losses[0].At), sums[explain.Recovery])
	behind, err := all[2].Explain()
	require.NoError(t, err)
	require.Positive(t, whole(t, behind)[explain.HeadOfLine])
	require.Greater(t, all[2].To-all[2].From, uint64(3000+22))
	require.Equal(t, all[1].To, all[2].From)
}

// What was to be said before there was a connection waited for TLS, too, and for
// each of its two round trips as long as it took; each record is where the message
// in it is.
func TestTLSHandshake(t *testing.T) {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 50ms"))
		io := socketio.NewServer(&socketio.Options{Recorder: rec, Host: "server"})
		io.OnConnection(func(s *socketio.Socket) { s.On("say", func(what string) { s.Emit("said", what) }) })
		hs := &http.Server{Handler: io}
		ln := tls.NewListener(server.Listen(":443"), w.TLSConfig(server))
		w.Go(func() { _ = hs.Serve(ln) })
		c, err := client.New("https://server/", &client.Options{
			DialContext: phone.DialContext, TLSConfig: w.TLSConfig(phone), Transports: []engineio.Transport{engineio.WebSocket}, Recorder: rec, Host: "phone",
		})
		require.NoError(t, err)
		said := make(chan string)
		c.On("said", func(what string) { said <- what })
		require.NoError(t, c.Open())
		require.NoError(t, c.Emit("say", "early"))
		<-said
		require.NoError(t, c.Close())
		require.NoError(t, io.Close(w.Context()))
		require.NoError(t, hs.Close())
	}, lab.Record(rec))
	told, _ := rec.Events()
	s := explain.Join(told)
	say := events(s, "say")[0]
	e, err := say.Explain()
	require.NoError(t, err)
	whole(t, e)
	waited := map[string]time.Duration{}
	for _, p := range e.Parts {
		waited[p.Why] += p.Took()
	}
	require.Equal(t, 100*ms, waited["TLS: client hello, until the server's"], "%v", e)
	require.Positive(t, waited["what opens above TLS"])
	require.Zero(t, waited["what opens above TCP"])

	records := say.Records()
	require.Len(t, records, 1)
	require.Equal(t, [2]uint64{say.From, say.To}, [2]uint64{records[0].From, records[0].To})
	require.Equal(t, 50*ms, records[0].Received.Sub(records[0].Sent))
	require.Equal(t, "client hello", s.Conns[0].Halves()[0].Records(0, 1)[0].Step)
}

// The five ways to be late.

func TestSYNLost(t *testing.T) {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) { openLosing(t, w, link.SYN) }, lab.Record(rec))
	opened(t, rec, "SYN", "phone-server from A to B")
}

func TestSYNACKLost(t *testing.T) {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) { openLosing(t, w, link.SYNACK) }, lab.Record(rec))
	opened(t, rec, "SYN-ACK", "phone-server from B to A")
}

func openLosing(t *testing.T, w *lab.World, first link.Match) {
	phone, server := w.Host("phone"), w.Host("server")
	wire := w.Connect(phone, server, link.MustParseShape("delay 50ms"))
	wire.Rule(link.DropFirst(first))
	ln := server.Listen(":80")
	c, err := phone.DialContext(w.Context(), "tcp", "server:80")
	require.NoError(t, err)
	a, err := ln.Accept()
	require.NoError(t, err)
	a.Close()
	c.Close()
}

func opened(t *testing.T, rec *trace.Recording, segment, wire string) {
	events, _ := rec.Events()
	s := explain.Join(events)
	require.Len(t, s.Conns, 1)
	e, err := s.Conns[0].Explain()
	require.NoError(t, err)
	t.Logf("%v", e)
	// A second, which is the first timeout (RFC 6298 §2), and a round trip.
	require.Equal(t, time.Second, e.Sum(explain.Recovery))
	require.Equal(t, 100*ms, e.Sum(explain.Propagation))
	require.Equal(t, 1100*ms, e.Latency())
	require.Equal(t, s.Conns[0].Established.Sub(s.Conns[0].Began), e.Latency())
	require.Len(t, e.Losses, 1)
	l := e.Losses[0]
	require.Equal(t, segment, l.Segment)
	require.Equal(t, trace.DroppedRule, l.Cause)
	require.Equal(t, wire, l.Wire)
	require.Equal(t, time.Second, l.Again.Sub(l.At))
	require.Equal(t, trace.WhyRTO, l.Why)
}

// One of several messages is lost: the acknowledgements of those behind it show
// it, and they wait for it.
func TestDataLostFoundByDuplicateAcknowledgements(t *testing.T) {
	s := run(t, "delay 50ms", func(k *talk) {
		k.says(t, "warm up")
		k.wire.Rule(link.DropFirst(link.Data))
		k.says(t, "first", "second", "third", "fourth", "fifth")
	})
	all := texts(s)[1:]
	e, err := all[0].Explain()
	require.NoError(t, err)
	sums := whole(t, e)
	require.Len(t, e.Losses, 1)
	l := e.Losses[0]
	require.Equal(t, trace.DroppedRule, l.Cause)
	require.Equal(t, trace.WhyFast, l.Why)
	require.Positive(t, l.DupACKs)
	require.Equal(t, l.Again.Sub(l.At), sums[explain.Recovery])
	require.Equal(t, 50*ms, sums[explain.Propagation])
	require.Equal(t, sums[explain.Recovery]+50*ms, e.Latency())
	for _, m := range all[1:] {
		behind, err := m.Explain()
		require.NoError(t, err)
		sums := whole(t, behind)
		require.Zero(t, sums[explain.Recovery], "it was not lost itself")
		require.Equal(t, e.Latency()-50*ms, sums[explain.HeadOfLine])
		require.Len(t, behind.Losses, 1)
		require.True(t, behind.Losses[0].OfBefore)
		require.Equal(t, l.At, behind.Losses[0].At)
	}
}

// The last of all is lost, and nothing behind it can show that.
func TestTailLost(t *testing.T) {
	s := run(t, "delay 50ms", func(k *talk) {
		k.says(t, "warm up")
		k.says(t, "and again")
		k.wire.Rule(link.DropFirst(link.Data))
		k.says(t, "last words")
	})
	e, err := texts(s)[2].Explain()
	require.NoError(t, err)
	sums := whole(t, e)
	require.Len(t, e.Losses, 1)
	l := e.Losses[0]
	require.Contains(t, []string{trace.WhyProbe, trace.WhyRTO}, l.Why)
	require.Equal(t, l.Again.Sub(l.At), sums[explain.Recovery])
	require.Equal(t, sums[explain.Recovery]+50*ms, e.Latency())
}

// The congestion window is full of what was lost: what waits for room in it is told
// of that.
func TestWindowFullOfWhatWasLost(t *testing.T) {
	s := run(t, "delay 50ms", func(k *talk) {
		k.says(t, "warm up")
		k.wire.Rule(link.DropFirst(link.Data))
		k.says(t, strings.Repeat("many segments ", 2000), "late")
	})
	e, err := texts(s)[2].Explain()
	require.NoError(t, err)
	require.Positive(t, whole(t, e)[explain.Cwnd])
	i := slices.IndexFunc(e.Parts, func(p explain.Part) bool { return p.Name == explain.Cwnd })
	require.Regexp(t, `^\d+ segments under way, cwnd \d+: bytes \d+ to \d+ lost on phone-server from A to B \(rule\), sent again `, e.Parts[i].Why)
	require.True(t, e.Losses[0].OfBefore)
}

// The receiver does not read for a while: what does not fit its window waits in
// the sender.
func TestWindowFull(t *testing.T) {
	const pause = 3 * time.Second
	s := run(t, "delay 50ms", func(k *talk) {
		k.w.Go(func() {
			require.NoError(k.w.T(), k.phone.Write(context.Background(), ws.MessageText, make([]byte, 8<<20)))
			require.NoError(k.w.T(), k.phone.Write(context.Background(), ws.MessageText, []byte("late")))
		})
		k.w.Sleep(pause)
		k.server.SetReadLimit(16 << 20)
		for range 2 {
			_, _, err := k.server.Read(context.Background())
			require.NoError(t, err)
		}
		k.w.Wait()
	})
	e, err := texts(s)[0].Explain()
	require.NoError(t, err)
	sums := whole(t, e)
	require.Greater(t, sums[explain.Window], pause/2)
}

// Over two wires with a router between, a message's way is both, and it is lost
// on one of them.
func TestOverARouter(t *testing.T) {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		phone, router, server := w.Host("phone"), w.Router("router"), w.Host("server")
		w.Connect(phone, router, link.MustParseShape("delay 10ms"))
		far := w.Connect(router, server, link.MustParseShape("delay 40ms rate 8mbit"))
		ln := server.Listen(":80")
		accepted := make(chan *ws.Conn)
		go http.Serve(ln, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(rw, r, &ws.AcceptOptions{Recorder: rec, Host: "server"})
			if err == nil {
				accepted <- c
				<-c.Done()
			}
		}))
		var c *ws.Conn
		var err error
		w.Go(func() {
			c, _, err = ws.Dial(w.Context(), "ws://server/", &ws.DialOptions{DialContext: phone.DialContext, Recorder: rec, Host: "phone"})
		})
		s := <-accepted
		w.Wait()
		require.NoError(t, err)
		k := &talk{w: w, phone: c, server: s}
		w.Sleep(time.Second)
		k.says(t, "all is well")
		far.Rule(link.DropFirst(link.Data))
		k.says(t, "lost beyond the router")
		w.Sleep(time.Second)
		acks := far.BA().Rule(func(v *link.View) link.Verdict {
			if link.Data(v) {
				return link.Pass
			}
			return link.Drop
		})
		k.says(t, "heard, but not acknowledged")
		w.Sleep(5 * time.Second)
		acks.Release()
		c.CloseNow()
		s.CloseNow()
	}, lab.Record(rec))
	events, _ := rec.Events()
	all := texts(explain.Join(events))

	well, err := all[0].Explain()
	require.NoError(t, err)
	sums := whole(t, well)
	require.Equal(t, 50*ms, sums[explain.Propagation])
	require.Len(t, well.Parts, 3, "one wire, and the other's rate and delay")
	require.Equal(t, "phone", all[0].Sender())
	require.Equal(t, "server", all[0].Receiver())

	// What is sent again though it had arrived changes nothing.
	again, err := all[2].Explain()
	require.NoError(t, err)
	require.Equal(t, 50*ms, whole(t, again)[explain.Propagation])

	lost, err := all[1].Explain()
	require.NoError(t, err)
	sums = whole(t, lost)
	require.Len(t, lost.Losses, 1)
	require.Equal(t, "router-server from A to B", lost.Losses[0].Wire)
	require.Equal(t, lost.Losses[0].Again.Sub(lost.Losses[0].At), sums[explain.Recovery])
	require.Equal(t, 50*ms, sums[explain.Propagation])
}

// Whatever a wire does to segments, every message that arrived is explained, by
// parts that are its latency.
func TestEveryMessageIsExplained(t *testing.T) {
	for _, shape := range []string{
		"delay 20ms 10ms loss 10%",
		"delay 20ms reorder 25% gap 3 duplicate 10%",
		"rate 1mbit delay 10ms limit 10",
		"delay 30ms corrupt 5%",
		"delay 10ms loss gemodel 5% 30%",
	} {
		t.Run(shape, func(t *testing.T) {
			const n = 60
			s := run(t, shape, func(k *talk) {
				var all []string
				for i := range n {
					all = append(all, strings.Repeat("x", 1+i*i))
				}
				k.says(t, all...)
			})
			all := texts(s)
			require.Len(t, all, n)
			for _, m := range all {
				e, err := m.Explain()
				require.NoError(t, err, "%v", m.What)
				at := m.Sent
				for _, p := range e.Parts {
					require.Equal(t, at, p.From)
					at = p.To
				}
				require.False(t, at.Before(m.Received))
				if e.Sum(explain.Recovery) > 0 {
					require.NotEmpty(t, e.Losses)
				}
			}
		})
	}
}
