package ws_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// What a request is that is none, or is too large, and what it is answered.
func TestUpgradeRefuses(t *testing.T) {
	url, errs := upgradeServer(t, &ws.UpgradeOptions{Check: func(r *http.Request, response http.Header) int {
		response.Set("X-Path", r.URL.Path)
		if r.URL.Path == "/secret" {
			return http.StatusUnauthorized
		}
		return 0
	}})
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"good", handshake(), 101},
		{"refused by Check", handshake("GET /secret HTTP/1.1"), 401},
		{"no HTTP", "hello\r\n\r\n", 400},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405},
		{"bare line feeds", strings.ReplaceAll(handshake(), "\r\n", "\n"), 400},
		{"a bare carriage return", strings.Replace(handshake(), "Host:", "X: a\rb\r\nHost:", 1), 400},
		{"a folded header", strings.Replace(handshake(), "Host:", "X: a\r\n b\r\nHost:", 1), 400},
		{"a blank before the colon", strings.Replace(handshake(), "Host:", "Host :", 1), 400},
		{"a header without a colon", strings.Replace(handshake(), "Host:", "Nothing\r\nHost:", 1), 400},
		{"a control character", strings.Replace(handshake(), "Host:", "X: a\x00b\r\nHost:", 1), 400},
		{"two hosts", handshake("+Host: other"), 400},
		{"no host", handshake("Host"), 400},
		{"a length that is none", handshake("Content-Length: -1"), 400},
		{"chunks", handshake("Transfer-Encoding: chunked"), 400},
		{"length 0", handshake("Content-Length: 0"), 101},
		{"the absolute form", handshake("GET http://server.example.com/chat HTTP/1.1"), 101},
		{"a long target", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\n\r\n", 414},
		{"a long header", handshake("X: " + strings.Repeat("a", 9000)), 431},
		{"1,000 headers", strings.Replace(handshake(), "Host:", strings.Repeat("X: y\r\n", 1000)+"Host:", 1), 431},
		{"a header of 1 MiB", handshake("X: " + strings.Repeat("a", 1<<20)), 431},
		{"many large headers", strings.Replace(handshake(), "Host:", strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 50)+"Host:", 1), 431},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
			require.NoError(t, err)
			defer conn.Close()
			go io.WriteString(conn, c.request) // not all of it is read
			resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "GET"})
			require.NoError(t, err)
			require.Equal(t, c.want, resp.StatusCode)
			if c.want != 101 {
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NotEmpty(t, body)
				require.True(t, resp.Close)
			}
			if c.name == "good" {
				require.Equal(t, "/chat", resp.Header.Get("X-Path"))
			}
			conn.Close()
			require.Error(t, <-errs)
		})
	}
}

// A client and its messages, over Upgrade; the first may come with the request.
func TestUpgradeEchoes(t *testing.T) {
	url, errs := upgradeServer(t, &ws.UpgradeOptions{AcceptOptions: ws.AcceptOptions{Subprotocols: []string{"chat"}, Compression: &ws.Compression{}}})
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{Subprotocols: []string{"chat"}, Compression: &ws.Compression{}})
	require.NoError(t, err)
	require.Equal(t, "chat", c.Subprotocol())
	long := strings.Repeat("hello ", 10_000)
	require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte(long)))
	_, p, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, long, string(p))
	require.NoError(t, c.Close(1000, ""))
	require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-errs))

	_, _, br := ask(t, url, handshake()+"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
	got := make([]byte, 7)
	_, err = io.ReadFull(br, got)
	require.NoError(t, err)
	require.Equal(t, "\x81\x05Hello", string(got))
}

// A handshake that comes a byte a second is given up after the HandshakeTimeout,
// with 408.
func TestUpgradeWithstandsASlowHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		start := time.Now()
		gaveUp := make(chan struct{})
		go func() {
			defer close(gaveUp)
			for _, r := range []byte(handshake()) {
				if _, err := b.Write([]byte{r}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		answer := make(chan *http.Response, 1)
		go func() {
			resp, _ := http.ReadResponse(bufio.NewReader(b), &http.Request{Method: "GET"})
			answer <- resp
		}()
		_, err := ws.Upgrade(a, &ws.UpgradeOptions{HandshakeTimeout: 5 * time.Second})
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(start))
		require.Equal(t, 408, (<-answer).StatusCode)
		b.Close()
		<-gaveUp
	})
}
