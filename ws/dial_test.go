package ws_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

func serve(t testing.TB, h http.HandlerFunc) (url string) {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return strings.Replace(srv.URL, "http", "ws", 1)
}

// rawServer answers one connection's request with what answer makes of it.
func rawServer(t *testing.T, answer func(r *http.Request, accept string) string) (url string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		if _, err := io.WriteString(conn, answer(r, base64.StdEncoding.EncodeToString(sum[:]))); err != nil {
			return
		}
		io.Copy(io.Discard, conn)
	}()
	return "ws://" + ln.Addr().String()
}

// switching is a good answer, with headers exchanged.
func switching(accept string, edits ...string) string {
	return strings.Replace(handshake(append([]string{
		"GET / HTTP/1.1", "Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Accept: " + accept,
	}, edits...)...), "GET / HTTP/1.1", "HTTP/1.1 101 Switching Protocols", 1)
}

// What a server's answer must have (RFC 6455 §4.1), and what the client says of
// one that has it not.
func TestDialResponse(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(accept string) string
		want   string // in the error; empty: accepted
		status int    // of the response that comes with the error
	}{
		{"good", func(a string) string { return switching(a) }, "", 101},
		{"other case", func(a string) string { return switching(a, "Upgrade: WebSocket", "Connection: upgrade, x") }, "", 101},
		{"subprotocol", func(a string) string { return switching(a, "Sec-WebSocket-Protocol: chat") }, "", 101},
		{"early hints", func(a string) string { return "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + switching(a) }, "", 101},
		{"endless hints", func(a string) string { return strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 7) }, "informational", 0},
		{"no Upgrade", func(a string) string { return switching(a, "Upgrade") }, "Upgrade", 101},
		{"no Connection", func(a string) string { return switching(a, "Connection") }, "Connection", 101},
		{"no Accept", func(a string) string { return switching(a, "Sec-WebSocket-Accept") }, "Sec-WebSocket-Accept", 101},
		{"another Accept", func(a string) string { return switching("-" + a[1:]) }, "Sec-WebSocket-Accept", 101},
		{"two Accepts", func(a string) string { return switching(a, "+Sec-WebSocket-Accept: "+a) }, "Sec-WebSocket-Accept", 101},
		{"an extension", func(a string) string { return switching(a, "Sec-WebSocket-Extensions: permessage-deflate") }, "not offered", 101},
		{"another subprotocol", func(a string) string { return switching(a, "Sec-WebSocket-Protocol: Chat") }, "not offered", 101},
		{"two subprotocols", func(a string) string {
			return switching(a, "Sec-WebSocket-Protocol: chat", "+Sec-WebSocket-Protocol: chat")
		}, "not offered", 101},
		{"not found", func(string) string { return "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone" }, "404 Not Found", 404},
		{"redirect", func(string) string {
			return "HTTP/1.1 302 Found\r\nLocation: ws://other/\r\nContent-Length: 0\r\n\r\n"
		}, "ws://other/", 302},
		{"a large header", func(string) string { return "HTTP/1.1 101 X\r\nX: " + strings.Repeat("x", 1<<20) }, "larger than 65536", 0},
		{"no HTTP", func(string) string { return "SSH-2.0-OpenSSH\r\n\r\n" }, "malformed HTTP", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := rawServer(t, func(_ *http.Request, accept string) string { return c.answer(accept) })
			conn, resp, err := ws.Dial(t.Context(), url, &ws.DialOptions{Subprotocols: []string{"chat", "x"}})
			if c.status != 0 {
				require.Equal(t, c.status, resp.StatusCode)
			}
			if c.want == "" {
				require.NoError(t, err)
				conn.CloseNow()
				return
			}
			require.ErrorContains(t, err, c.want)
			require.Nil(t, conn)
			if c.status == 404 {
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, "none", string(body))
			}
		})
	}
}

// The request has what was asked for, and the first frame may come with the
// answer.
func TestDialRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	url := rawServer(t, func(r *http.Request, accept string) string {
		requests <- r
		return switching(accept, "Sec-WebSocket-Protocol: b") + "\x81\x05Hello"
	})
	conn, _, err := ws.Dial(t.Context(), strings.Replace(url, "ws://", "http://user:pass@", 1)+"/p%20q?a=b", &ws.DialOptions{
		Subprotocols: []string{"a", "b"},
		Header:       http.Header{"Cookie": {"x=y"}, "Host": {"other.example"}, "X-Break": {"a\r\nInjected: b"}},
	})
	require.NoError(t, err)
	defer conn.CloseNow()
	r := <-requests
	require.Equal(t, "/p%20q?a=b", r.RequestURI)
	require.Equal(t, "other.example", r.Host)
	require.Equal(t, "x=y", r.Header.Get("Cookie"))
	require.Equal(t, "a, b", r.Header.Get("Sec-WebSocket-Protocol"))
	require.Empty(t, r.Header.Get("Injected"))
	user, password, ok := r.BasicAuth()
	require.True(t, ok)
	require.Equal(t, "user:pass", user+":"+password)
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	require.NoError(t, err)
	require.Len(t, key, 16)
	require.Equal(t, "b", conn.Subprotocol())
	_, p, err := conn.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Hello", string(p))
}

// What cannot be dialled is said before anything is opened.
func TestDialRefusesBeforeConnecting(t *testing.T) {
	for _, c := range []struct {
		url  string
		opts ws.DialOptions
		want string
	}{
		{"ftp://host/", ws.DialOptions{}, "use ws or wss"},
		{"ws:///path", ws.DialOptions{}, "no host"},
		{"ws://host/#frag", ws.DialOptions{}, "fragment"},
		{"ws://host/#", ws.DialOptions{}, "fragment"},
		{"ws://höst/", ws.DialOptions{}, "xn--"},
		{"ws://host:x/", ws.DialOptions{}, "port"},
		{"ws://host/", ws.DialOptions{Header: http.Header{"sec-websocket-key": {"x"}}}, "handshake's own"},
		{"ws://host/", ws.DialOptions{Header: http.Header{"Host": {"a\r\nb"}}}, "line break"},
		{"ws://host/", ws.DialOptions{Subprotocols: []string{"a b"}}, "not a token"},
		{"ws://host/", ws.DialOptions{Rand: strings.NewReader("short")}, "draw the key"},
	} {
		c.opts.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, fmt.Errorf("connected")
		}
		_, _, err := ws.Dial(t.Context(), c.url, &c.opts)
		require.ErrorContains(t, err, c.want)
	}
}

// The context ends a handshake whose server does not answer, and the password
// is not in the error.
func TestDialContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := rawServer(t, func(*http.Request, string) string {
		cancel()
		return ""
	})
	_, _, err := ws.Dial(ctx, strings.Replace(url, "ws://", "ws://user:secret@", 1), nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "secret")

	// The address is made from the URL, the port from the scheme.
	for url, addr := range map[string]string{"ws://h/": "h:80", "wss://h": "h:443", "ws://h:8080": "h:8080", "ws://[::1]/": "[::1]:80"} {
		_, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{DialContext: func(_ context.Context, network, a string) (net.Conn, error) {
			return nil, fmt.Errorf("%s %s", network, a)
		}})
		require.ErrorContains(t, err, "tcp "+addr)
	}
}
