package page_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
	"strata/trace"
	"strata/trace/explain"
	"strata/ws"
)

// talk is a phone that has a WebSocket to a server, and a recording of all.
type talk struct {
	w             *lab.World
	wire          *lab.Wire
	phone, server *ws.Conn
}

// run has them talk, and joins what was recorded.
func run(t testing.TB, shape string, f func(k *talk)) *explain.Story {
	t.Helper()
	rec := trace.NewRecording(0)
	lab.Run(t.(*testing.T), func(w *lab.World) {
		phone, server := w.Host("phone"), w.Host("server")
		k := &talk{w: w, wire: w.Connect(phone, server, link.MustParseShape(shape))}
		k.open(t, rec, phone, server)
		defer k.phone.CloseNow()
		f(k)
	}, lab.Record(rec))
	events, dropped := rec.Events()
	require.Zero(t, dropped)
	return explain.Join(events)
}

func (k *talk) open(t testing.TB, rec trace.Recorder, phone, server *lab.Host) {
	accepted, ended := make(chan *ws.Conn), make(chan struct{})
	go http.Serve(server.Listen(":80"), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(rw, r, &ws.AcceptOptions{Recorder: rec, Host: "server"})
		if err != nil {
			return
		}
		accepted <- c
		<-ended
		c.CloseNow()
	}))
	k.w.OnClose(func() { close(ended) })
	var err error
	k.w.Go(func() {
		k.phone, _, err = ws.Dial(k.w.Context(), "ws://server/chat", &ws.DialOptions{DialContext: phone.DialContext, Recorder: rec, Host: "phone"})
	})
	k.server = <-accepted
	k.w.Wait()
	require.NoError(t, err)
}

// says has the phone send texts, one right after the other, and the server read
// them.
func (k *talk) says(texts ...string) { k.say(k.phone, k.server, texts...) }

// hears is the other way.
func (k *talk) hears(texts ...string) { k.say(k.server, k.phone, texts...) }

func (k *talk) say(from, to *ws.Conn, texts ...string) {
	t, ctx := k.w.T(), context.Background()
	k.w.Go(func() {
		for _, text := range texts {
			require.NoError(t, from.Write(ctx, ws.MessageText, []byte(text)))
		}
	})
	for _, text := range texts {
		_, got, err := to.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	k.w.Wait()
}

// lateChat is a chat in which a message is lost, those behind it wait for it,
// and the last one of all is lost too.
func lateChat(t testing.TB) *explain.Story {
	return run(t, "delay 40ms rate 2mbit", func(k *talk) {
		k.says("hello", "how are you?")
		k.hears("fine, and you?")
		k.w.Sleep(300 * time.Millisecond)
		k.wire.Rule(link.DropFirst(link.Data))
		k.says("lost on its way", "second", "third", strings.Repeat("a picture of the sea ", 400), "fourth")
		k.hears("got all of it", strings.Repeat("what a sea! ", 60))
		k.w.Sleep(200 * time.Millisecond)
		k.wire.Rule(link.DropFirst(link.Data))
		k.says("last words")
	})
}

// twoPhones has two phones ask a server behind a router, over TLS, on a wire that
// loses a little.
func twoPhones(t *testing.T) *explain.Story {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		router := w.Router("router")
		phone, laptop, server := w.Host("phone"), w.Host("laptop"), w.Host("server")
		w.LAN(link.MustParseShape("delay 2ms rate 50mbit"), phone, laptop, router)
		w.Connect(router, server, link.MustParseShape("delay 30ms rate 5mbit loss 2%"))
		go http.Serve(tls.NewListener(server.Listen(":443"), w.TLSConfig(server)), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := ws.Accept(rw, r, &ws.AcceptOptions{Recorder: rec, Host: "server"})
			if err != nil {
				return
			}
			for {
				kind, b, err := c.Read(w.Context())
				if err != nil {
					return
				}
				_ = c.Write(w.Context(), kind, bytes.ToUpper(b))
			}
		}))
		for i, h := range []*lab.Host{phone, laptop} {
			w.Go(func() {
				c, _, err := ws.Dial(w.Context(), "wss://server/", &ws.DialOptions{DialContext: h.DialContext, TLSConfig: w.TLSConfig(h), Recorder: rec, Host: h.Name()})
				require.NoError(w.T(), err)
				for n := range 8 + 4*i {
					require.NoError(w.T(), c.Write(w.Context(), ws.MessageText, []byte(fmt.Sprintf("question %d", n))))
					_, _, err := c.Read(w.Context())
					require.NoError(w.T(), err)
				}
				c.CloseNow()
			})
		}
		w.Wait()
	}, lab.Record(rec))
	events, dropped := rec.Events()
	require.Zero(t, dropped)
	return explain.Join(events)
}

// lateEvent has a phone emit events over Socket.IO, of which one is lost on the
// wire.
func lateEvent(t *testing.T) *explain.Story {
	rec := trace.NewRecording(0)
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 50ms rate 10mbit"))
		io := socketio.NewServer(&socketio.Options{Recorder: rec, Host: "server"})
		io.OnConnection(func(s *socketio.Socket) {
			s.On("say", func(what string) { s.Emit("said", what) })
		})
		hs := &http.Server{Handler: io}
		ln := server.Listen(":80")
		w.Go(func() { _ = hs.Serve(ln) })
		c, err := client.New("http://server/", &client.Options{DialContext: phone.DialContext, Recorder: rec, Host: "phone"})
		require.NoError(t, err)
		said := make(chan string)
		c.On("said", func(what string) { said <- what })
		require.NoError(t, c.Open())
		require.NoError(t, c.Emit("say", "hello"))
		<-said
		w.Sleep(3 * time.Second) // it has upgraded to WebSocket
		wire.Rule(link.DropFirst(link.Data))
		const events = 5
		for range events {
			require.NoError(t, c.Emit("say", "is anybody there?"))
		}
		for range events {
			<-said
		}
		require.NoError(t, c.Close())
		require.NoError(t, io.Close(w.Context()))
		require.NoError(t, hs.Close())
	}, lab.Record(rec))
	events, dropped := rec.Events()
	require.Zero(t, dropped)
	return explain.Join(events)
}
