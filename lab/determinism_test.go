package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/ws"
)

var printHash = flag.Bool("strata.hash", false, "print the hash of the determinism test's captures")

// rough has every fault there is.
const rough = "delay 40ms 10ms distribution normal loss gemodel 1% 30% duplicate 1% corrupt 0.5% reorder 2% rate 20mbit limit 200"

// story runs n connections of HTTP, of TLS 1.3 and of WebSocket echo at once, and
// gives the hash of all that crossed the wire.
func story(t *testing.T, n int, seed uint64) string {
	var captured bytes.Buffer
	lab.Run(t, func(w *lab.World) {
		w.CaptureTo(&captured)
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape(rough))
		mux := http.NewServeMux()
		mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 20_000)) })
		mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
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
		})
		srv := &http.Server{Handler: mux}
		go srv.Serve(server.Listen(":80"))
		secure := &http.Server{Handler: mux, TLSConfig: w.TLSConfig(server)}
		go secure.ServeTLS(server.Listen(":443"), "", "")
		w.OnClose(func() { srv.Close(); secure.Close() })

		for i := range n {
			w.Go(func() {
				client := &http.Client{Transport: phone.Transport()}
				for _, url := range []string{"http://server/page", "https://server/page"} {
					resp, err := client.Get(url)
					if err != nil {
						t.Error(err)
						return
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				c, _, err := ws.Dial(w.Context(), "ws://server/echo", &ws.DialOptions{DialContext: phone.DialContext})
				if err != nil {
					t.Error(err)
					return
				}
				for k := range 5 {
					c.Write(w.Context(), ws.MessageText, fmt.Append(nil, "message ", i, " ", k))
					if _, _, err := c.Read(w.Context()); err != nil {
						t.Error(err)
					}
				}
				c.Close(ws.StatusNormalClosure, "")
			})
		}
		w.Wait()
	}, lab.Seed(seed))
	return fmt.Sprintf("%x", sha256.Sum256(captured.Bytes()))
}

// One seed, one capture: in this process, and in fresh ones.
func TestOneSeedOneCapture(t *testing.T) {
	counts := []int{1, 16, 200}
	if race {
		counts = counts[:2]
	}
	for _, n := range counts {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			first := story(t, n, 1)
			if *printHash {
				fmt.Println("hash", n, first)
				return
			}
			require.Equal(t, first, story(t, n, 1))
			require.NotEqual(t, first, story(t, n, 2), "another seed is another story")
			for range 3 {
				out, err := exec.Command(os.Args[0], "-test.run=TestOneSeedOneCapture/"+fmt.Sprint(n)+"$", "-strata.hash").Output()
				require.NoError(t, err)
				require.Contains(t, string(out), fmt.Sprint("hash ", n, " ", first))
			}
		})
	}
}
