// Package lab shows a test of a realtime server on a bad network, in virtual
// time.
package lab

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
)

// A chat survives 80 ms of delay and 5 % of loss: every message comes, once and
// in order, and the world says how long that took.
func TestChatSurvivesLoss(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 80ms 10ms loss 5%"))

		io := socketio.NewServer(nil)
		io.OnConnection(func(s *socketio.Socket) {
			s.On("chat message", func(text string) { io.Emit("chat message", text) })
		})
		go http.Serve(server.Listen(":80"), io)
		w.OnClose(func() { io.Close(w.Context()) })

		c, err := client.Dial(w.Context(), "http://server/", &client.Options{DialContext: phone.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var heard []string
		c.On("chat message", func(text string) { heard = append(heard, text) })
		for i := range 100 {
			c.Emit("chat message", fmt.Sprint("message ", i))
		}
		w.Within(30*time.Second, func() bool { return len(heard) == 100 })
		for i, text := range heard {
			if text != fmt.Sprint("message ", i) {
				t.Errorf("message %d is %q", i, text)
			}
		}
		t.Log("100 messages there and back in", w.Elapsed(), "of the world's time")
	})
}
