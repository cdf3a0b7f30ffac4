package ws_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// handshake is the RFC's example (§1.3), with headers exchanged: "Name: value"
// replaces or adds, "Name" removes, "+Name: value" adds a second.
func handshake(edits ...string) string {
	first := "GET /chat HTTP/1.1"
	lines := []string{
		"Host: server.example.com",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Version: 13",
	}
	for _, e := range edits {
		if strings.Contains(e, " HTTP/") {
			first = e
			continue
		}
		name, value, set := strings.Cut(e, ":")
		if !strings.HasPrefix(e, "+") {
			kept := lines[:0]
			for _, l := range lines {
				if !strings.HasPrefix(l, name+":") {
					kept = append(kept, l)
				}
			}
			lines = kept
		}
		if set {
			lines = append(lines, strings.TrimPrefix(name, "+")+":"+value)
		}
	}
	return first + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// ask sends bytes to the server and reads its response.
func ask(t *testing.T, url, request string) (*http.Response, net.Conn, *bufio.Reader) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	require.NoError(t, err)
	return resp, conn, br
}

// upgradeServer serves echo with Upgrade, without net/http.
func upgradeServer(t testing.TB, opts *ws.UpgradeOptions) (url string, errs chan error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	errs = make(chan error, 100)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				c, err := ws.Upgrade(conn, opts)
				if err == nil {
					defer c.CloseNow()
					err = echo(c)
				}
				errs <- err
			}()
		}
	}()
	return "ws://" + ln.Addr().String(), errs
}

// What a handshake must have (RFC 6455 §4.2.1), and what each that has it not is
// answered, with net/http and without.
func TestAcceptRequest(t *testing.T) {
	opts := &ws.AcceptOptions{OriginPatterns: []string{"*.friend.example", "https://secure.example"}}
	url, _, errs := echoServer(t, false, opts)
	t.Run("Accept", func(t *testing.T) { testRequests(t, url, errs) })
	url, errs = upgradeServer(t, &ws.UpgradeOptions{AcceptOptions: *opts, MaxLine: 1 << 20, MaxHeaderBytes: 1 << 20})
	t.Run("Upgrade", func(t *testing.T) { testRequests(t, url, errs) })
}

func testRequests(t *testing.T, url string, errs chan error) {
	for _, c := range []struct {
		name  string
		edits []string
		want  int
	}{
		{"the RFC's example", nil, 101},
		{"tokens in other case and company", []string{"Upgrade: foo, WebSocket", "Connection: keep-alive, UPGRADE"}, 101},
		{"tokens on two lines", []string{"Connection: keep-alive", "+Connection: upgrade"}, 101},
		{"extensions offered", []string{"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"}, 101},
		{"a long list of extensions", []string{"Sec-WebSocket-Extensions: " + strings.Repeat("a;b=c,", 100_000/6)}, 101},
		{"a long list of subprotocols", []string{"Sec-WebSocket-Protocol: " + strings.Repeat("a,", 100_000/2)}, 101},
		{"POST", []string{"POST /chat HTTP/1.1"}, 405},
		{"HTTP/1.0", []string{"GET /chat HTTP/1.0"}, 400},
		{"no Upgrade", []string{"Upgrade"}, 400},
		{"another Upgrade", []string{"Upgrade: h2c"}, 400},
		{"part of a token", []string{"Upgrade: websockets"}, 400},
		{"no Connection", []string{"Connection"}, 400},
		{"another Connection", []string{"Connection: keep-alive"}, 400},
		{"no version", []string{"Sec-WebSocket-Version"}, 400},
		{"version 12", []string{"Sec-WebSocket-Version: 12"}, 426},
		{"version 013", []string{"Sec-WebSocket-Version: 013"}, 426},
		{"two versions", []string{"+Sec-WebSocket-Version: 13"}, 400},
		{"no key", []string{"Sec-WebSocket-Key"}, 400},
		{"empty key", []string{"Sec-WebSocket-Key: "}, 400},
		{"key of 15 bytes", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"}, 400},
		{"key of 17 bytes", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE="}, 400},
		{"key of 18 bytes in 24 characters", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy"}, 400},
		{"key that is not base64", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!=="}, 400},
		{"two keys", []string{"+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, 400},
		{"a body", []string{"Content-Length: 5"}, 400},
		{"subprotocol that is no token", []string{"Sec-WebSocket-Protocol: a b"}, 400},
		{"origin: same host", []string{"Origin: http://server.example.com"}, 101},
		{"origin: same host, other case", []string{"Origin: HTTP://Server.Example.com"}, 101},
		{"origin: same host, default port", []string{"Origin: https://server.example.com", "Host: server.example.com:443"}, 101},
		{"origin: same host, other port", []string{"Origin: http://server.example.com:8080"}, 403},
		{"origin: other host", []string{"Origin: http://evil.example"}, 403},
		{"origin: user info", []string{"Origin: http://server.example.com@evil.example"}, 403},
		{"origin: longer host", []string{"Origin: http://server.example.com.evil.example"}, 403},
		{"origin: null", []string{"Origin: null"}, 403},
		{"origin: empty", []string{"Origin: "}, 403},
		{"origin: two", []string{"Origin: http://server.example.com", "+Origin: http://evil.example"}, 403},
		{"origin: pattern", []string{"Origin: https://a.friend.example"}, 101},
		{"origin: pattern with scheme", []string{"Origin: https://secure.example"}, 101},
		{"origin: pattern with another scheme", []string{"Origin: http://secure.example"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := handshake(c.edits...)
			if c.name == "a body" {
				request += "hello"
			}
			resp, conn, _ := ask(t, url, request)
			body := ""
			if c.want != 101 {
				b, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				body = string(b)
			}
			require.Equal(t, c.want, resp.StatusCode, body)
			switch c.want {
			case 101:
				// The RFC's own answer to its own key.
				require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", resp.Header.Get("Sec-WebSocket-Accept"))
				require.Equal(t, "websocket", resp.Header.Get("Upgrade"))
				require.Equal(t, "Upgrade", resp.Header.Get("Connection"))
				require.Empty(t, resp.Header.Values("Sec-WebSocket-Extensions"))
				require.Empty(t, resp.Header.Values("Sec-WebSocket-Protocol"))
				conn.Close()
			case 426:
				require.Equal(t, "13", resp.Header.Get("Sec-WebSocket-Version"))
				require.Equal(t, "websocket", resp.Header.Get("Upgrade"))
			case 405:
				require.Equal(t, "GET", resp.Header.Get("Allow"))
			}
			conn.Close()
			require.Error(t, <-errs)
		})
	}
}

// "*" allows every origin, also pages that hide theirs.
func TestAcceptAnyOrigin(t *testing.T) {
	url, _, _ := echoServer(t, false, &ws.AcceptOptions{OriginPatterns: []string{"*"}})
	for _, origin := range []string{"null", "http://evil.example"} {
		resp, _, _ := ask(t, url, handshake("Origin: "+origin))
		require.Equal(t, 101, resp.StatusCode)
	}
	// A pattern that is no pattern is the server's fault, not the client's.
	url, _, _ = echoServer(t, false, &ws.AcceptOptions{OriginPatterns: []string{"[a"}})
	resp, _, _ := ask(t, url, handshake("Origin: http://a.example"))
	require.Equal(t, 500, resp.StatusCode)
}

// The server's preference counts, names are compared as they are, and the
// handler's own headers go along.
func TestAcceptSubprotocol(t *testing.T) {
	for _, c := range []struct{ offer, want string }{
		{"chat, superchat", "superchat"},
		{"chat", "chat"},
		{"Chat", ""},
		{"other", ""},
		{" , chat ,,", "chat"},
	} {
		var got string
		errs := make(chan error, 1)
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Sec-WebSocket-Extensions", "mine")
			conn, err := ws.Accept(w, r, &ws.AcceptOptions{Subprotocols: []string{"superchat", "chat"}})
			if err == nil {
				got = conn.Subprotocol()
				conn.CloseNow()
			}
			errs <- err
		})
		resp, _, _ := ask(t, url, handshake("Sec-WebSocket-Protocol: "+c.offer))
		require.NoError(t, <-errs)
		require.Equal(t, c.want, resp.Header.Get("Sec-WebSocket-Protocol"))
		require.Equal(t, c.want, got)
		require.Equal(t, "a=b", resp.Header.Get("Set-Cookie"))
		require.Empty(t, resp.Header.Get("Sec-WebSocket-Extensions"))
	}
}

// A frame in the same segment as the handshake is served, not lost.
func TestAcceptWithFirstFrame(t *testing.T) {
	url, _, _ := echoServer(t, false, nil)
	frame := "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" // the RFC's masked "Hello", §5.7
	_, _, br := ask(t, url, handshake()+frame)
	got := make([]byte, 7)
	_, err := io.ReadFull(br, got)
	require.NoError(t, err)
	require.Equal(t, "\x81\x05Hello", string(got))
}

// A ResponseWriter that cannot be hijacked is told so with 501.
func TestAcceptWithoutHijack(t *testing.T) {
	errs := make(chan error, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := ws.Accept(struct{ http.ResponseWriter }{w}, r, nil)
		errs <- err
	})
	resp, _, _ := ask(t, url, handshake())
	require.Equal(t, 501, resp.StatusCode)
	require.ErrorIs(t, <-errs, http.ErrNotSupported)
}
