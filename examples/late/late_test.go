// Package late asks why a message was late.
package late

import (
	"net/http"
	"testing"
	"time"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
	"strata/trace"
	"strata/trace/explain"
)

func TestWhyWasThisMessageLate(t *testing.T) {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 40ms rate 2mbit"))

		game := socketio.NewServer(&socketio.Options{Recorder: rec, Host: "server"})
		heard := make(chan string, 4)
		game.OnConnection(func(s *socketio.Socket) {
			s.On("move", func(where string) { heard <- where })
		})
		go http.Serve(server.Listen(":80"), game)
		w.OnClose(func() { game.Close(w.Context()) })
		c, err := client.Dial(w.Context(), "http://server/", &client.Options{DialContext: phone.DialContext, Recorder: rec, Host: "phone"})
		if err != nil {
			t.Fatal(err)
		}
		w.OnClose(func() { c.Close() })

		w.Sleep(time.Second)
		wire.AB().Rule(link.DropFirst(link.Data))
		for _, where := range []string{"north", "east", "south", "west"} {
			c.Emit("move", where)
			w.Sleep(5 * time.Millisecond)
		}
		for range 4 {
			<-heard
		}
	}, lab.Record(rec))

	events, _ := rec.Events()
	for _, late := range explain.Join(events).Slowest(2) {
		t.Log(late)
		if late.Sum(explain.Recovery)+late.Sum(explain.HeadOfLine) == 0 {
			t.Error("neither was lost nor waited for what was")
		}
	}
}
