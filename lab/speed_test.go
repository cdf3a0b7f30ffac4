package lab_test

import (
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"strata/internal/echo"
	"strata/lab"
	"strata/link"
)

// Events a second, with 2, 100 and 1,000 hosts of which two talk: only who was
// touched is settled, so the others cost nothing. (go test -v -run Speed ./lab)
func TestSpeed(t *testing.T) {
	trips := 20_000
	if race {
		trips = 200
	}
	for _, hosts := range []int{2, 100, 1000} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			lab.Run(t, func(w *lab.World) {
				server, phone := w.Host("server"), w.Host("phone")
				w.Connect(phone, server, link.Shape{})
				for i := range hosts - 2 {
					w.Host(fmt.Sprint("idle", i))
				}
				ln := server.Listen(":80")
				go echo.Serve(ln)
				c, err := phone.DialContext(w.Context(), "tcp", "server:80")
				if err != nil {
					t.Fatal(err)
				}
				p := make([]byte, 64)
				before, start := w.Events(), wall()
				for range trips {
					c.Write(p)
					io.ReadFull(c, p)
				}
				t.Logf("%.0f events/s", float64(w.Events()-before)/(wall()-start).Seconds())
				c.Close()
				ln.Close()
			})
		})
	}
}

// An hour of 100 connections that say something every 25 seconds, as Socket.IO's
// heartbeat does, is a matter of events, not of time.
func TestHourOfHeartbeats(t *testing.T) {
	connections, hour := 100, time.Hour
	if race {
		hour = time.Minute
	}
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 20ms"))
		go echo.Serve(server.Listen(":80"))
		start := wall()
		var beats atomic.Int64
		for range connections {
			w.Go(func() {
				c, err := phone.DialContext(w.Context(), "tcp", "server:80")
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				for p := []byte("2"); w.Elapsed() < hour; beats.Add(1) {
					c.Write(p)
					if _, err := io.ReadFull(c, p); err != nil {
						t.Error(err)
						return
					}
					w.Sleep(25 * time.Second)
				}
			})
		}
		w.Wait()
		t.Logf("%d beats, %d events in %v", beats.Load(), w.Events(), wall()-start)
	})
}
