package explain_test

import (
	"net/http"
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
)

// chat is a Socket.IO server and a client, 50 ms away, that says hello before it
// is connected and n more times afterwards, and is answered each time. before is
// called when all is quiet and n messages are about to be sent.
func chat(t *testing.T, transports []engineio.Transport, n int, before func(*lab.Wire)) *explain.Story {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 50ms"))
		io := socketio.NewServer(&socketio.Options{Recorder: rec, Host: "server"})
		io.OnConnection(func(s *socketio.Socket) {
			s.On("say", func(what string, p []byte) { s.Emit("said", what, p) })
		})
		hs := &http.Server{Handler: io}
		ln := server.Listen(":80")
		w.Go(func() { _ = hs.Serve(ln) })
		c, err := client.New("http://server/", &client.Options{
			DialContext: phone.DialContext, Transports: transports, Recorder: rec, Host: "phone",
		})
		require.NoError(t, err)
		said := make(chan string)
		c.On("said", func(what string, p []byte) { said <- what })
		require.NoError(t, c.Open())
		require.NoError(t, c.Emit("say", "hello", []byte{1}))
		require.Equal(t, "hello", <-said)
		w.Sleep(3 * time.Second) // the upgrade is over
		if before != nil {
			before(wire)
		}
		w.Go(func() {
			for range n {
				_ = c.Emit("say", "more", []byte{2})
			}
		})
		for range n {
			<-said
		}
		require.NoError(t, c.Close())
		require.NoError(t, io.Close(w.Context()))
		require.NoError(t, hs.Close())
	}, lab.Record(rec))
	events, _ := rec.Events()
	return explain.Join(events)
}

// events are the messages of an event's name.
func events(s *explain.Story, name string) (found []*explain.Message) {
	for _, m := range s.Messages {
		if e, ok := m.What.(trace.Message); ok && e.Event == name {
			found = append(found, m)
		}
	}
	return found
}

func TestSocketIO(t *testing.T) {
	for name, transports := range map[string][]engineio.Transport{
		"websocket": {engineio.WebSocket}, "polling": {engineio.Polling}, "upgrade": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := chat(t, transports, 3, nil)
			say, said := events(s, "say"), events(s, "said")
			require.Len(t, say, 4)
			require.Len(t, said, 4)
			for i, m := range append(say, said...) {
				e, err := m.Explain()
				require.NoError(t, err, "%d: %v", i, m.What)
				sums := whole(t, e)
				require.Equal(t, i < 4, m.FromOpener())
				if name == "websocket" {
					require.Len(t, m.Carriers, 2, "the event, and what is binary in it")
				}
				if i == 0 {
					// It was emitted before anything was there.
					require.GreaterOrEqual(t, e.Latency(), 150*ms)
					require.Positive(t, sums[explain.Handshake])
					continue
				}
				require.Equal(t, 50*ms, sums[explain.Propagation])
			}
		})
	}
}

// An event's second frame is lost: it is the event that is late.
func TestSocketIOEventLate(t *testing.T) {
	s := chat(t, []engineio.Transport{engineio.WebSocket}, 5, func(wire *lab.Wire) {
		seen := 0
		wire.AB().Rule(func(v *link.View) link.Verdict {
			if link.Data(v) {
				if seen++; seen == 2 {
					return link.Drop
				}
			}
			return link.Pass
		})
	})
	say := events(s, "say")[1:]
	first, err := say[0].Explain()
	require.NoError(t, err)
	sums := whole(t, first)
	require.Len(t, first.Losses, 1)
	require.Equal(t, trace.DroppedRule, first.Losses[0].Cause)
	require.Equal(t, sums[explain.Recovery]+50*ms, first.Latency())
	for _, m := range say[1:] {
		e, err := m.Explain()
		require.NoError(t, err)
		require.Positive(t, whole(t, e)[explain.HeadOfLine])
	}
}
