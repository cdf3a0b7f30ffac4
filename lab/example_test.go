package lab_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
	"strata/ws"
)

// What follows is what a test of a realtime program looks like.

// echoing is a WebSocket server that says everything back.
func echoing(w http.ResponseWriter, r *http.Request) {
	c, err := ws.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		typ, p, err := c.Read(context.Background())
		if err != nil || c.Write(context.Background(), typ, p) != nil {
			return
		}
	}
}

// Messages over WebSocket survive a wire that loses a tenth of its packets, in
// bursts: none is missing, and they come in order.
func TestExampleWebSocketSurvivesLoss(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 80ms loss gemodel 3% 30%"))
		srv := &http.Server{Handler: http.HandlerFunc(echoing)}
		go srv.Serve(server.Listen(":80"))
		w.OnClose(func() { srv.Close() })

		c, _, err := ws.Dial(w.Context(), "ws://server/", &ws.DialOptions{DialContext: phone.DialContext})
		require.NoError(t, err)
		for i := range 50 {
			require.NoError(t, c.Write(w.Context(), ws.MessageText, fmt.Append(nil, i)))
			w.Sleep(20 * time.Millisecond) // as people do, not all at once
		}
		for i := range 50 {
			_, p, err := c.Read(w.Context())
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(p))
		}
		require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
		require.NotZero(t, wire.AB().Counters().DroppedLoss+wire.BA().Counters().DroppedLoss)
	})
}

// The network falls apart while two people talk, long enough for the server to
// give the phone up, and heals: the client connects again, and is heard again.
func TestExamplePartitionAndHeal(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 40ms"))
		chat := socketio.NewServer(nil)
		said := make(chan string, 10)
		chat.OnConnection(func(s *socketio.Socket) {
			s.On("say", func(text string) { said <- text })
		})
		srv := &http.Server{Handler: chat}
		go srv.Serve(server.Listen(":80"))
		w.OnClose(func() { chat.Close(w.Context()); srv.Close() })
		c, err := client.Dial(w.Context(), "http://server/", &client.Options{DialContext: phone.DialContext})
		require.NoError(t, err)
		w.OnClose(func() { c.Close() })
		c.Emit("say", "hello")
		require.Equal(t, "hello", <-said)

		cut := w.Partition(server)
		w.Sleep(2 * time.Minute) // longer than Engine.IO's heartbeat
		require.False(t, c.Connected())
		cut.Heal()
		w.Within(30*time.Second, c.Connected)
		c.Emit("say", "back again")
		require.Equal(t, "back again", <-said)
	})
}

// One rule, and the test knows what the first SYN-ACK's loss costs: a second.
func TestExampleDropTheFirstSYNACK(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 20ms"))
		guard := wire.Rule(link.DropFirst(link.SYNACK))
		defer guard.Release()
		server.Listen(":80")
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		defer c.Close()
		require.Equal(t, 1040*time.Millisecond, w.Elapsed())
	})
}
