package inspect

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/trace"
	"strata/trace/explain"
	"strata/ws"
)

// conversation is what both ends and the wire between have told: a phone and a
// server that send each other texts over a bad wire, and read each of them. So many
// are under way at a time.
func conversation(t *testing.T, under int) []trace.Event {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		phone, server := w.Host("phone"), w.Host("server")
		w.Connect(phone, server, link.MustParseShape("delay 50ms loss 10% rate 1mbit"))
		served := make(chan struct{})
		go http.Serve(server.Listen(":80"), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			defer close(served)
			c, err := ws.Accept(rw, r, &ws.AcceptOptions{Recorder: rec, Host: "server"})
			if err != nil {
				return
			}
			for {
				kind, text, err := c.Read(context.Background())
				if err != nil || c.Write(context.Background(), kind, text) != nil {
					return
				}
			}
		}))
		c, _, err := ws.Dial(w.Context(), "ws://server/", &ws.DialOptions{DialContext: phone.DialContext, Recorder: rec, Host: "phone"})
		require.NoError(t, err)
		for i := range 30 {
			text := fmt.Sprint("message ", i, strings.Repeat(" and more", i*20)) // up to four segments
			require.NoError(t, c.Write(w.Context(), ws.MessageText, []byte(text)))
			if i+1 >= under {
				_, _, err := c.Read(w.Context())
				require.NoError(t, err)
			}
		}
		for range under - 1 {
			_, _, err := c.Read(w.Context())
			require.NoError(t, err)
		}
		c.CloseNow()
		<-served
	}, lab.Record(rec), lab.Seed(7))
	events, dropped := rec.Events()
	require.Zero(t, dropped)
	return events
}

// byServer is what the server alone and the wire tell.
func byServer(events []trace.Event) (kept []trace.Event) {
	for _, e := range events {
		if e.Host != "phone" {
			kept = append(kept, e)
		}
	}
	return kept
}

// text is what tells a message from the others: its direction and its text.
func text(m *explain.Message) string {
	f, ok := m.What.(trace.Frame)
	if !ok || f.Opcode != "text" {
		return ""
	}
	return fmt.Sprint(m.FromOpener(), f.Len, f.Preview)
}

func explained(t *testing.T, s *explain.Story) map[string]*explain.Explanation {
	all := map[string]*explain.Explanation{}
	for _, m := range s.Messages {
		if text(m) == "" {
			continue
		}
		e, err := m.Explain()
		require.NoError(t, err, "%v", m.What)
		all[text(m)] = e
	}
	return all
}

// onWire are the parts that have nothing to do with the programs at both ends.
func onWire(e *explain.Explanation) map[string]time.Duration {
	sums := map[string]time.Duration{}
	for _, name := range []string{explain.Recovery, explain.Queue, explain.Serialization, explain.Propagation, explain.HeadOfLine} {
		sums[name] = e.Sum(name)
	}
	return sums
}

// With the server's end alone the story is the same, from the first moment at
// which the wire has seen a message to the last: the recording of both ends is
// the oracle.
func TestOneEndTellsTheSameOfTheWire(t *testing.T) {
	events := conversation(t, 1)
	both, one := explained(t, explain.Join(events)), explained(t, join(nil, byServer(events)))
	require.Len(t, both, 60)
	require.Len(t, one, 60)
	lost := 0
	for text, e := range both {
		got := one[text]
		require.NotNil(t, got, text)
		require.Equal(t, onWire(e), onWire(got), text)
		lost += len(got.Losses)
		for i, l := range got.Losses {
			require.Equal(t, e.Losses[i].Segment, l.Segment)
			require.Equal(t, e.Losses[i].Cause, l.Cause)
			require.Equal(t, e.Losses[i].Again, l.Again)
			if !got.Message.FromOpener() { // of the phone nobody tells why
				require.Equal(t, e.Losses[i].Why, l.Why)
			}
		}
		// Of what the server sent nothing is missing but the phone's part; of what it
		// received nothing but what the phone did before the wire.
		missing := explain.Receiver
		if got.Message.FromOpener() {
			missing = explain.Program
		}
		require.LessOrEqual(t, e.Latency()-e.Sum(missing)-e.Sum(explain.SendBuffer)-e.Sum(explain.Cwnd), got.Latency(), "%v\n%v", e, got)
		require.LessOrEqual(t, got.Latency(), e.Latency(), text)
	}
	require.NotZero(t, lost, "a tenth of the packets are lost")
}

// Who begins to look in the middle of a connection gets the same explanations for
// what is said from then on.
func TestFromTheMiddleOn(t *testing.T) {
	events := byServer(conversation(t, 1))
	all := explained(t, join(nil, events))
	rec := NewRecorder()
	begin := 0
	for i, e := range events {
		if f, ok := e.What.(trace.Frame); ok && e.Dir == trace.Out && strings.HasPrefix(f.Preview, "message 14") {
			begin = i + 1
		}
		rec.Record(e) // nobody looks
	}
	require.NotZero(t, begin)
	opened, none, _ := rec.recording()
	require.Len(t, opened, 2, "a SYN and a SYN-ACK are remembered")
	require.Empty(t, none)

	later := join(opened, events[begin:])
	found := 0
	for _, m := range later.Messages {
		var number int
		f, ok := m.What.(trace.Frame)
		if _, err := fmt.Sscanf(f.Preview, "message %d", &number); !ok || err != nil || number < 16 {
			continue
		}
		e, err := m.Explain()
		require.NoError(t, err)
		require.Equal(t, onWire(all[text(m)]), onWire(e))
		found++
	}
	require.Equal(t, 28, found, "messages 16 to 29, each way")
}

// Wherever in the conversation somebody begins to look, with both ends told: what
// is explained then is explained as by who had looked from the beginning, and
// nothing is taken for another. A message that was sent before and received after
// has nobody to be joined with.
func TestWakesAnywhere(t *testing.T) {
	for _, under := range []int{1, 5} {
		t.Run(fmt.Sprint(under, " under way"), func(t *testing.T) { wakesAnywhere(t, conversation(t, under)) })
	}
}

func wakesAnywhere(t *testing.T, events []trace.Event) {
	full := explained(t, join(nil, events))
	rec := NewRecorder()
	found := 0
	for i, e := range events {
		if i%7 == 0 {
			opened, _, _ := rec.recording()
			for _, m := range join(opened, events[i:]).Messages {
				if text(m) == "" || m.Received.IsZero() {
					continue
				}
				was := full[text(m)]
				require.Equal(t, was.Message.Sent, m.Sent, "from event %d on: %v", i, m.What)
				require.Equal(t, was.Message.Received, m.Received, "from event %d on: %v", i, m.What)
				if e, err := m.Explain(); err == nil {
					require.Equal(t, took(was), took(e), "from event %d on: %v", i, m.What)
					found++
				}
			}
		}
		rec.Record(e)
	}
	require.Greater(t, found, len(events)/7*len(full)/3, "half of what is there from the middle on, on average")
}

// took are an explanation's parts without what nobody tells who looks later: why
// something waited in the send buffer, until the sender's first word, and what
// became of segments that were sent before.
func took(e *explain.Explanation) (parts []explain.Part) {
	for _, p := range e.Parts {
		p.Why = ""
		switch p.Name {
		case explain.Cwnd, explain.Window:
			p.Name = explain.SendBuffer
		}
		if n := len(parts); n > 0 && parts[n-1].Name == p.Name {
			parts[n-1].To = p.To
			continue
		}
		parts = append(parts, p)
	}
	return parts
}

// What the API says of a message adds up.
func TestMessagesAddUp(t *testing.T) {
	for _, m := range tellMessages(join(nil, byServer(conversation(t, 1)))) {
		if m.Trouble != "" {
			require.Empty(t, m.Parts)
			continue
		}
		var sum time.Duration
		for _, p := range m.Parts {
			sum += p.Took
		}
		require.Equal(t, m.Took, sum)
		require.True(t, m.OneEnd)
	}
}

// A frame that carries an event which is told too says so, and what both say has
// no quotes of Go's around it.
func TestCarrier(t *testing.T) {
	s := join(nil, byServer(conversation(t, 1)))
	frame, event, alone := s.Messages[0], s.Messages[1], s.Messages[2]
	frame.What = trace.Frame{Opcode: "text", Len: 17, Preview: `42["move",`}
	event.What, event.Carriers = trace.Message{Type: "EVENT", Event: "move", Preview: `["move","north"]`}, []*explain.Message{frame}
	alone.What = trace.Frame{Opcode: "text", Len: 5, Preview: "hello"}
	s.Messages = s.Messages[:3]
	said := map[string]bool{}
	for _, m := range tellMessages(s) {
		said[m.Said] = m.Carrier
	}
	require.Equal(t, map[string]bool{`42["move",…`: true, `move "north"`: false, "hello": false}, said)
}
