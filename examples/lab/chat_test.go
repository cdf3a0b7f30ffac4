// Package lab shows how to test a realtime server on a bad network, in
// milliseconds.
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

// Fifty messages cross a network that loses every twentieth packet and takes
// 80 ms: all of them arrive, in order. In the world that takes seconds.
func TestChatSurvivesLoss(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		t := w.T() // with several seeds it says which failed
		server, ada, bob := w.Host("server"), w.Host("ada"), w.Host("bob")
		w.Connect(ada, server, link.MustParseShape("delay 80ms loss 5%"))
		w.Connect(bob, server, link.MustParseShape("delay 80ms loss 5%"))
		chat := socketio.NewServer(nil)
		chat.OnConnection(func(s *socketio.Socket) {
			s.On("say", func(text string) { chat.Emit("said", text) })
		})
		go http.Serve(server.Listen(":80"), chat)
		w.OnClose(func() { chat.Close(w.Context()) })

		dial := func(host *lab.Host) *client.Socket {
			c, err := client.Dial(w.Context(), "http://server/", &client.Options{DialContext: host.DialContext})
			if err != nil {
				t.Fatal(err)
			}
			w.OnClose(func() { c.Close() })
			return c
		}
		speaker, listener := dial(ada), dial(bob)
		var heard []string
		listener.On("said", func(text string) { heard = append(heard, text) })
		for i := range 50 {
			speaker.Emit("say", fmt.Sprint("message ", i))
		}
		w.Within(time.Minute, func() bool { return len(heard) == 50 })
		for i, text := range heard {
			if want := fmt.Sprint("message ", i); text != want {
				t.Errorf("heard %q in place of %q", text, want)
			}
		}
		t.Logf("%v in the world, seed %d", w.Elapsed(), w.Seed())
	})
}
