package annotate_test

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/trace"
	"strata/trace/explain"
	"strata/trace/pcapng/annotate"
	"strata/ws"
)

const ms = time.Millisecond

// What is seen of a packet: when, from which byte on, how many.
type seen struct {
	at  string
	seq string
	len string
}

func seenAt(at time.Time, seq uint32, n int) seen {
	return seen{fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond()), fmt.Sprint(seq), fmt.Sprint(n)}
}

// verdicts are what tshark says of a packet.
var verdicts = []string{
	"tcp.analysis.retransmission", "tcp.analysis.fast_retransmission",
	"tcp.analysis.spurious_retransmission", "tcp.analysis.out_of_order",
}

// judged are the packets with data from the phone of which tshark says one of
// the verdicts, and what it says.
func judged(t *testing.T, capture []byte) map[seen][]string {
	all := map[seen][]string{}
	filter := "tcp.dstport == 80 && tcp.len > 0 && (" + strings.Join(verdicts, " || ") + ")"
	for _, row := range tshark(t, capture, filter, append([]string{"frame.time_epoch", "tcp.seq", "tcp.len"}, verdicts...)...) {
		s := seen{row[0], row[1], row[2]}
		for i, v := range verdicts {
			if row[3+i] != "" {
				all[s] = append(all[s], strings.TrimPrefix(v, "tcp.analysis."))
			}
		}
	}
	return all
}

// sentAgain are the transmissions of bytes that had been sent before, with the
// reason.
func sentAgain(h *explain.Half) map[seen]string {
	all := map[seen]string{}
	for _, s := range h.Sent {
		if s.Again {
			all[seenAt(s.At, s.Seq, s.Len)] = s.Why
		}
	}
	return all
}

// late are the arrivals of bytes before the highest that had arrived: what was
// sent again, and what was overtaken.
func late(h *explain.Half) (again, overtaken []seen) {
	type arrival struct {
		seen
		explain.Piece
		again bool
	}
	var all []arrival
	for _, s := range h.Sent {
		for _, p := range s.Pieces {
			if !s.SYN && !p.Arrived.IsZero() {
				all = append(all, arrival{seenAt(p.Arrived, s.Seq+uint32(p.From-s.From), int(p.To-p.From)), p, s.Again})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.Arrived.Compare(b.Arrived) })
	var highest uint64
	for _, a := range all {
		switch {
		case a.From >= highest:
		case a.again:
			again = append(again, a.seen)
		default:
			overtaken = append(overtaken, a.seen)
		}
		highest = max(highest, a.To)
	}
	return again, overtaken
}

func keys[V any](m map[seen]V) []seen {
	var all []seen
	for k := range m {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b seen) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
	return all
}

// tshark's dissectors, which share nothing with us, find the same segments sent
// again, and the same ones late. What they call them is a guess from one end's
// packets where we know; where the words differ, the test says why.
func TestTsharkAgrees(t *testing.T) {
	for _, c := range []struct {
		name, shape string
		f           func(w *lab.World, wire *lab.Wire, out io.Writer)

		why            string   // our word for the first that is sent again
		sender, server []string // tshark's words for the first, at either end
	}{
		{
			name: "found by duplicate acknowledgements", shape: "delay 40ms rate 10mbit",
			f: func(w *lab.World, wire *lab.Wire, out io.Writer) {
				wire.Rule(link.DropNth(3, link.Data))
				send(w, out, 12000)
			},
			why: trace.WhyFast,
			// "Fast" is for tshark what comes within 20 ms of the second duplicate
			// acknowledgement and begins at what these ask for; it calls these
			// retransmissions too.
			sender: []string{"retransmission", "fast_retransmission"},
			// The server's wire has never had the first copy: what comes late within
			// a round trip of the handshake might have been overtaken, so tshark says
			// that it was.
			server: []string{"out_of_order"},
		},
		{
			name: "the tail lost", shape: "delay 40ms",
			f: func(w *lab.World, wire *lab.Wire, out io.Writer) {
				send(w, out, 1000)
				w.Sleep(time.Second)
				wire.Rule(link.DropNth(3, link.Data))
				send(w, out, 4000)
			},
			why:    trace.WhyProbe,
			sender: []string{"retransmission"}, // tshark has no word for the cause
			server: nil,                        // nothing of it was there before, and nothing behind it: it is simply next
		},
		{
			name: "overtaken", shape: "delay 40ms rate 10mbit",
			f: func(w *lab.World, wire *lab.Wire, out io.Writer) {
				wire.Rule(link.DelayNth(3, link.Data, 2*ms))
				send(w, out, 12000)
			},
			// Nothing is sent again: one duplicate acknowledgement is not enough.
			server: []string{"out_of_order"},
		},
		{
			name: "the acknowledgement lost", shape: "delay 40ms",
			f: func(w *lab.World, wire *lab.Wire, out io.Writer) {
				wire.Rule(link.DropFirst(link.Both(link.FromB, link.ACK)))
				send(w, out, 1000)
			},
			why: trace.WhyProbe,
			// To the sender it was not acknowledged; the server's wire has seen that
			// it was, so that tshark knows there that it was needless.
			sender: []string{"retransmission"},
			server: []string{"retransmission", "spurious_retransmission"},
		},
		{
			name: "random losses", shape: "delay 20ms rate 10mbit loss 2%",
			f:      func(w *lab.World, wire *lab.Wire, out io.Writer) { send(w, out, 400_000) },
			why:    trace.WhyFast,
			sender: []string{"retransmission", "fast_retransmission"},
			// The queue makes the round trip longer than the handshake's was: it is too
			// late to have been overtaken, even for tshark.
			server: []string{"retransmission", "fast_retransmission"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			story, capture := captured(t, c.shape, c.f)
			require.Len(t, story.Conns, 1)
			phone := story.Conns[0].Halves()[0]

			ours, theirs := sentAgain(phone), judged(t, at(t, capture, "phone/phone-server"))
			require.Equal(t, keys(ours), keys(theirs), "sent again, as the sender's wire has it")
			if first := keys(ours); c.why != "" {
				require.NotEmpty(t, first)
				require.Equal(t, c.why, ours[first[0]])
				require.Equal(t, c.sender, theirs[first[0]])
			} else {
				require.Empty(t, first)
			}

			again, overtaken := late(phone)
			theirs = judged(t, at(t, capture, "server/phone-server"))
			require.ElementsMatch(t, append(again, overtaken...), keys(theirs), "late, as the receiver's wire has it")
			if first := keys(theirs); c.server != nil {
				require.NotEmpty(t, first)
				require.Equal(t, c.server, theirs[first[0]])
			} else {
				require.Empty(t, first)
			}
			t.Logf("%d sent again; %d of them late and %d overtaken", len(ours), len(again), len(overtaken))
		})
	}
}

func send(w *lab.World, out io.Writer, n int) {
	_, err := out.Write(make([]byte, n))
	require.NoError(w.T(), err)
}

// Each packet says its part, at the end where it is seen, and Wireshark's reader
// finds it there.
func TestComments(t *testing.T) {
	story, capture := captured(t, "delay 40ms rate 10mbit", func(w *lab.World, wire *lab.Wire, out io.Writer) {
		wire.Rule(link.DropNth(3, link.Data))
		send(w, out, 12000)
	})
	var out bytes.Buffer
	require.NoError(t, annotate.Capture(&out, bytes.NewReader(capture), story))
	comments := func(end, filter string) (all []string) {
		for _, row := range tshark(t, at(t, out.Bytes(), end), filter, "frame.comment") {
			all = append(all, row[0])
		}
		return all
	}
	const data = "tcp.len > 0"
	require.Equal(t, []string{
		"bytes 0 to 12000; bytes 2840 to 4260 of it lost on phone-server from A to B (rule)",
		"bytes 2840 to 4260; sent again (fast), 87.1584ms after the first time",
	}, comments("phone/phone-server", data))
	require.Equal(t, []string{
		"accepts the connection; took serialization 48µs, propagation 40ms",
		"acknowledges what is before byte 2840",
		"duplicate acknowledgement 1: byte 2840 is missing, bytes 4260 to 5680 are there",
		"duplicate acknowledgement 2: byte 2840 is missing, bytes 4260 to 7100 are there",
	}, comments("phone/phone-server", "tcp.srcport == 80")[:4])

	arrived := comments("server/phone-server", data)
	require.Len(t, arrived, 9, "of super-segments, what the wire has made of them")
	require.Equal(t, "bytes 0 to 1420; took queue 41.6µs, serialization 1.1776ms, propagation 40ms", arrived[0])
	require.Equal(t, "bytes 4260 to 5680; took queue 2.3968ms, serialization 1.1776ms, propagation 40ms; waits, because byte 2840 is missing", arrived[2])
	require.Equal(t, "bytes 2840 to 4260; sent again (fast), 87.1584ms after the first time; took serialization 1.1776ms, propagation 40ms; "+
		"what had waited for it can be read, up to byte 12000", arrived[8])
}

// Through TLS too: the comment names the message, and the keys that were in the
// capture still decrypt it.
func TestMessagesThroughTLS(t *testing.T) {
	rec := trace.NewRecording(0)
	var wire, out bytes.Buffer
	lab.Run(t, func(w *lab.World) {
		w.CaptureTo(&wire)
		phone, server := w.Host("phone"), w.Host("server")
		w.Connect(phone, server, link.MustParseShape("delay 40ms"))
		go http.Serve(tls.NewListener(server.Listen(":443"), w.TLSConfig(server)), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(rw, r, &ws.AcceptOptions{Recorder: rec, Host: "server"})
			if err == nil {
				_, _, _ = c.Read(w.Context()) // until the phone hangs up
				_, _, _ = c.Read(w.Context())
			}
		}))
		c, _, err := ws.Dial(w.Context(), "wss://server/", &ws.DialOptions{
			DialContext: phone.DialContext, TLSConfig: w.TLSConfig(phone), Recorder: rec, Host: "phone",
		})
		require.NoError(t, err)
		require.NoError(t, c.Write(w.Context(), ws.MessageText, []byte("hello")))
		w.Sleep(time.Second)
		c.CloseNow()
	}, lab.Record(rec))
	events, _ := rec.Events()
	require.NoError(t, annotate.Capture(&out, &wire, explain.Join(events)))
	rows := tshark(t, out.Bytes(), `frame.interface_name == "phone/phone-server" && websocket`, "websocket.payload.text", "frame.comment")
	require.Len(t, rows, 1)
	require.Equal(t, "hello", rows[0][0])
	require.Contains(t, rows[0][1], `all of ws text fin masked len=5 "hello"`)
}
