package lab_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
)

func TestHTTPInAWorld(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.Shape{})
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })}
		go srv.Serve(server.Listen(":80"))
		w.OnClose(func() { srv.Close() })
		client := &http.Client{Transport: phone.Transport()}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				resp, err := client.Get("http://server/")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(body) != "hello" {
					t.Errorf("%q, %v", body, err)
				}
			})
		}
		wg.Wait()
		w.Sleep(time.Hour)
		require.GreaterOrEqual(t, w.Elapsed(), time.Hour)
		t.Log(w.Events(), "events")
	})
}

// A path of several hops: what the ends send is forwarded, hop by hop, with its
// time to live counted down, and comes from everywhere to everywhere.
func TestRouters(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		phone, server, printer := w.Host("phone"), w.Host("server"), w.Host("printer")
		home, isp := w.Router("home"), w.Router("isp")
		w.Connect(phone, home, link.Shape{})
		w.Connect(printer, home, link.Shape{})
		w.Connect(home, isp, link.Shape{})
		w.Connect(isp, server, link.Shape{})
		for _, pair := range [][2]*lab.Host{{phone, server}, {server, printer}, {printer, phone}, {home, server}} {
			for _, addr := range []netip.Addr{pair[1].Addr(), pair[1].Addr6()} {
				_, err := pair[0].Ping(w.Context(), addr)
				require.NoError(t, err, "%s to %v", pair[0].Name(), addr)
			}
		}
		ln := server.Listen(":80")
		const size = 300_000
		go func() {
			c, err := ln.Accept()
			if err == nil {
				c.Write(make([]byte, size))
				c.Close()
			}
		}()
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Len(t, got, size)
		c.Close()
	})
}
