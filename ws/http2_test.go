//lint:file-ignore SA1019 net/http's transport refuses the header :protocol, so this one is not replaced yet

package ws_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"strata/ws"
)

// http2Server serves h over HTTP/2, with TLS or without, and has the transport
// for its clients. connections counts those of TCP.
func http2Server(t testing.TB, withTLS bool, h http.HandlerFunc) (url string, transport *http2.Transport, connections *atomic.Int32) {
	if !strings.Contains(os.Getenv("GODEBUG"), "http2xconnect=1") {
		t.Skip("needs GODEBUG=http2xconnect=1")
	}
	connections = new(atomic.Int32)
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	if withTLS {
		srv.EnableHTTP2 = true
		srv.StartTLS()
		transport = &http2.Transport{TLSClientConfig: srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
		transport.TLSClientConfig.NextProtos = nil
	} else {
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetUnencryptedHTTP2(true)
		srv.Start()
		transport = unencrypted()
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return strings.Replace(srv.URL, "http", "ws", 1), transport, connections
}

// unencrypted is a transport for HTTP/2 without TLS.
func unencrypted() *http2.Transport {
	return &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}

// echoing is a handler that echoes; the error of each connection goes to errs.
func echoing(opts *ws.AcceptOptions) (h http.HandlerFunc, errs chan error) {
	errs = make(chan error, 100)
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, opts)
		if err == nil {
			defer c.CloseNow()
			err = echo(c)
		}
		errs <- err
	}, errs
}

// Over HTTP/2, with TLS and without, compressed and not, all is as over HTTP/1.1:
// messages of every size, whole and in fragments, pings, the subprotocol, the
// closing handshake.
func TestHTTP2Echo(t *testing.T) {
	for _, withTLS := range []bool{false, true} {
		for name, compression := range map[string]*ws.Compression{"plain": nil, "compressed": {Threshold: -1}} {
			t.Run(fmt.Sprintf("TLS %v, %s", withTLS, name), func(t *testing.T) {
				h, errs := echoing(&ws.AcceptOptions{ReadLimit: -1, Subprotocols: []string{"chat"}, Compression: compression})
				url, transport, _ := http2Server(t, withTLS, h)
				ctx := t.Context()
				c, resp, err := ws.Dial(ctx, url+"/echo?x=1", &ws.DialOptions{HTTP2: transport, ReadLimit: -1, Subprotocols: []string{"chat"}, Compression: compression})
				require.NoError(t, err)
				defer c.CloseNow()
				require.Equal(t, 200, resp.StatusCode)
				require.Equal(t, 2, resp.ProtoMajor)
				require.Equal(t, compression != nil, resp.Header.Get("Sec-WebSocket-Extensions") != "")
				require.Empty(t, resp.Header["Sec-Websocket-Accept"], "the key is HTTP/1.1's")
				require.Equal(t, "chat", c.Subprotocol())
				require.Equal(t, strings.TrimPrefix(strings.TrimPrefix(url, "wss://"), "ws://"), c.RemoteAddr().String())

				for _, size := range []int{0, 1, 125, 126, 4096, 65535, 65536, 1 << 20} {
					sent := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
					wrote := make(chan error, 1)
					go func() { wrote <- c.Write(ctx, ws.MessageText, sent) }()
					typ, p, err := c.Read(ctx)
					require.NoError(t, err)
					require.NoError(t, <-wrote)
					require.Equal(t, ws.MessageText, typ)
					require.True(t, bytes.Equal(sent, p), "size %d", size)
				}
				w, err := c.Writer(ctx, ws.MessageBinary)
				require.NoError(t, err)
				for range 10 {
					_, err := io.WriteString(w, strings.Repeat("fragment", 1000))
					require.NoError(t, err)
				}
				require.NoError(t, w.Close())
				_, p, err := c.Read(ctx)
				require.NoError(t, err)
				require.Equal(t, strings.Repeat("fragment", 10_000), string(p))

				read := make(chan error, 1)
				go func() { _, _, err := c.Read(ctx); read <- err }()
				require.NoError(t, c.Ping(ctx))
				require.NoError(t, c.Close(ws.StatusGoingAway, "bye"))
				require.ErrorIs(t, <-read, net.ErrClosed)
				var ce ws.CloseError
				require.ErrorAs(t, <-errs, &ce)
				require.Equal(t, ws.CloseError{Code: 1001, Reason: "bye"}, ce)
				<-c.Done()
			})
		}
	}
}

// The server closes first, in the handler and before it.
func TestHTTP2ServerCloses(t *testing.T) {
	closed := make(chan error, 1)
	url, transport, _ := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err == nil {
			err = c.Close(ws.StatusServiceRestart, "in a minute")
			<-c.Done()
		}
		closed <- err
	})
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	defer c.CloseNow()
	_, _, err = c.Read(t.Context())
	var ce ws.CloseError
	require.ErrorAs(t, err, &ce)
	require.Equal(t, ws.CloseError{Code: 1012, Reason: "in a minute"}, ce)
	require.NoError(t, <-closed)
}

// A hundred WebSockets share one connection of TCP, and each has its own messages.
func TestHTTP2ManyStreams(t *testing.T) {
	const n = 100
	h, errs := echoing(nil)
	url, transport, connections := http2Server(t, true, h)
	results := make(chan error, n)
	for i := range n {
		go func() {
			c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
			if err != nil {
				results <- err
				return
			}
			for j := range 10 {
				m := fmt.Sprintf("message %d of stream %d", j, i)
				if err := c.Write(t.Context(), ws.MessageText, []byte(m)); err != nil {
					results <- err
					return
				}
				if _, p, err := c.Read(t.Context()); err != nil || string(p) != m {
					results <- fmt.Errorf("%q, %w", p, err)
					return
				}
			}
			results <- c.Close(1000, "")
		}()
	}
	for range n {
		require.NoError(t, <-results)
		require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-errs))
	}
	require.EqualValues(t, 1, connections.Load())
}

// What is no opening of a WebSocket is refused, with what HTTP/2 has for it: no
// Upgrade header, which it must not send.
func TestHTTP2Refuses(t *testing.T) {
	h, errs := echoing(&ws.AcceptOptions{Subprotocols: []string{"chat"}, Compression: &ws.Compression{}})
	url, transport, _ := http2Server(t, false, h)
	url = strings.Replace(url, "ws", "http", 1)
	good := http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}}
	for _, c := range []struct {
		name   string
		method string
		edit   http.Header
		body   io.Reader
		status int
		why    string
	}{
		{"good", "CONNECT", nil, http.NoBody, 200, ""},
		{"another case", "CONNECT", http.Header{":protocol": {"WebSocket"}}, nil, 200, ""},
		{"own origin", "CONNECT", http.Header{"Origin": {url}}, nil, 200, ""},
		{"foreign origin", "CONNECT", http.Header{"Origin": {"https://evil.example"}}, nil, 403, "evil.example"},
		{"another protocol", "CONNECT", http.Header{":protocol": {"connect-udp"}}, nil, 501, "connect-udp"},
		{"GET", "GET", http.Header{":protocol": nil}, nil, 400, "not an extended CONNECT"},
		{"POST", "POST", http.Header{":protocol": nil}, nil, 400, "not an extended CONNECT"},
		{"no version", "CONNECT", http.Header{"Sec-Websocket-Version": nil}, nil, 400, "no Sec-WebSocket-Version"},
		{"version 12", "CONNECT", http.Header{"Sec-Websocket-Version": {"12"}}, nil, 400, "speaks 13"},
		{"no token", "CONNECT", http.Header{"Sec-Websocket-Protocol": {"a b"}}, nil, 400, "not a token"},
		{"body of a known length", "CONNECT", nil, strings.NewReader("12345"), 400, "Content-Length"},
		{"no body", "CONNECT", nil, nil, 400, "ends with its headers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := good.Clone()
			for name, v := range c.edit {
				h[name] = v
			}
			frames, w := io.Pipe()
			defer w.Close()
			var body io.Reader = frames
			switch {
			case c.name == "no body":
				body = nil
			case c.body != nil && c.body != http.NoBody:
				body = c.body
			}
			r, err := http.NewRequestWithContext(t.Context(), c.method, url, body)
			require.NoError(t, err)
			r.Header = h
			resp, err := transport.RoundTrip(r)
			require.NoError(t, err)
			require.Equal(t, c.status, resp.StatusCode)
			require.Empty(t, resp.Header["Upgrade"])
			require.Equal(t, c.name == "version 12", resp.Header.Get("Sec-WebSocket-Version") == "13")
			if c.status == 200 {
				w.CloseWithError(io.ErrClosedPipe)
			}
			err = <-errs
			require.Error(t, err)
			if c.why != "" {
				require.ErrorContains(t, err, c.why)
			}
			resp.Body.Close()
		})
	}
}

// A server that refuses is told of with its answer, one that redirects is
// followed where that is asked for.
func TestHTTP2DialRefused(t *testing.T) {
	h, errs := echoing(nil)
	url, transport, _ := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.Error(w, "gone", http.StatusGone)
		case "/moved":
			http.Redirect(w, r, "/echo", http.StatusFound)
		default:
			h(w, r)
		}
	})
	_, resp, err := ws.Dial(t.Context(), url+"/gone", &ws.DialOptions{HTTP2: transport})
	require.ErrorContains(t, err, "410 Gone")
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "gone\n", string(body))
	_, resp, err = ws.Dial(t.Context(), url+"/moved", &ws.DialOptions{HTTP2: transport})
	require.ErrorContains(t, err, "MaxRedirects")
	require.Equal(t, 302, resp.StatusCode)
	c, _, err := ws.Dial(t.Context(), url+"/moved", &ws.DialOptions{HTTP2: transport, MaxRedirects: 1})
	require.NoError(t, err)
	require.NoError(t, c.Close(1000, ""))
	require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-errs))
}

// A server that does not take WebSockets over HTTP/2 is told of as such, whether
// it has HTTP/2 or not, and so is a transport that cannot ask.
func TestHTTP2ServerCannot(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() { // HTTP/2 with none of its settings
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		fr := http2.NewFramer(conn, conn)
		if fr.WriteSettings() == nil {
			for err == nil {
				_, err = fr.ReadFrame()
			}
		}
	}()
	transport := unencrypted()
	defer transport.CloseIdleConnections()
	_, _, err = ws.Dial(t.Context(), "ws://"+ln.Addr().String(), &ws.DialOptions{HTTP2: transport})
	require.ErrorIs(t, err, ws.ErrNoHTTP2)
	require.ErrorContains(t, err, "SETTINGS_ENABLE_CONNECT_PROTOCOL")

	url, hc, errs := echoServer(t, true, nil)
	config := hc.Transport.(*http.Transport).TLSClientConfig
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: &http2.Transport{TLSClientConfig: config.Clone()}})
	require.ErrorIs(t, err, ws.ErrNoHTTP2)
	require.Nil(t, c)
	c, _, err = ws.Dial(t.Context(), url, &ws.DialOptions{TLSConfig: config})
	require.NoError(t, err, "HTTP/1.1 is as good as ever")
	require.NoError(t, c.Close(1000, ""))
	<-errs

	_, _, err = ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: &http.Transport{}})
	require.ErrorContains(t, err, "golang.org/x/net/http2")
}

// The context of Dial bounds the handshake, and nothing after it.
func TestHTTP2DialContext(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	h, errs := echoing(nil)
	url, transport, _ := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(asked)
			<-answer
			return
		}
		h(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, _, err := ws.Dial(ctx, url+"/slow", &ws.DialOptions{HTTP2: transport})
	require.ErrorIs(t, err, context.Canceled)
	close(answer)

	ctx, cancel = context.WithCancel(t.Context())
	c, _, err := ws.Dial(ctx, url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	cancel()
	require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("hello")))
	_, p, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", string(p))

	// A Read that is cancelled does no harm here either.
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_, _, err = c.Read(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("again")))
		_, p, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, "again", string(p))
	}
	require.NoError(t, c.Close(1000, ""))
	<-errs
}

// A stream that is reset is an error on the other side, not an end: from either.
func TestHTTP2Reset(t *testing.T) {
	h, errs := echoing(nil)
	url, transport, _ := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			c, err := ws.Accept(w, r, nil)
			if err == nil {
				c.Read(r.Context())
				c.CloseNow()
			}
			panic(http.ErrAbortHandler)
		}
		h(w, r)
	})
	c, _, err := ws.Dial(t.Context(), url+"/panic", &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("now")))
	_, _, err = c.Read(t.Context())
	require.ErrorContains(t, err, "HTTP/2 stream ended")
	require.Equal(t, ws.StatusCode(-1), ws.CloseStatus(err))
	require.ErrorIs(t, c.Write(t.Context(), ws.MessageText, nil), net.ErrClosed)

	c, _, err = ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	require.NoError(t, c.CloseNow())
	err = <-errs
	require.Error(t, err)
	require.Equal(t, ws.StatusCode(-1), ws.CloseStatus(err))
}

// A handler that returns without closing ends its connection, and nothing else.
func TestHTTP2HandlerReturns(t *testing.T) {
	accepted := make(chan *ws.Conn, 1)
	url, transport, _ := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err == nil {
			accepted <- c
		}
	})
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	_, _, err = c.Read(t.Context())
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	s := <-accepted
	_, _, err = s.Read(t.Context())
	require.ErrorContains(t, err, "HTTP/2 stream ended")
	require.ErrorIs(t, s.Write(t.Context(), ws.MessageText, []byte("late")), net.ErrClosed)
	<-s.Done()
}

// A client that stops reading costs its own stream: the server's Write ends in
// bounded time, the handler can return, and other streams of the same connection
// go on.
func TestHTTP2ReaderThatStops(t *testing.T) {
	failed := make(chan error, 1)
	h, errs := echoing(nil)
	url, transport, _ := http2Server(t, true, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/flood" {
			h(w, r)
			return
		}
		c, err := ws.Accept(w, r, &ws.AcceptOptions{WriteTimeout: 50 * time.Millisecond})
		for err == nil {
			err = c.Write(context.Background(), ws.MessageBinary, make([]byte, 100_000))
		}
		c.CloseNow()
		failed <- err
	})
	slow, _, err := ws.Dial(t.Context(), url+"/flood", &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("hello")))
	_, p, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", string(p))
	require.NoError(t, c.Close(1000, ""))
	<-errs
	for err == nil {
		_, _, err = slow.Read(t.Context())
	}
	require.ErrorContains(t, err, "HTTP/2 stream ended")
}

// Event mode over HTTP/2: the handler waits for Done.
func TestHTTP2Handler(t *testing.T) {
	closed := make(chan error, 1)
	url, transport, _ := http2Server(t, false, func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			closed <- err
			return
		}
		c.Handle(&ws.Handler{
			OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) { c.Write(context.Background(), typ, p) },
			OnClose:   func(_ *ws.Conn, err error) { closed <- err },
		})
		<-c.Done()
	})
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{HTTP2: transport})
	require.NoError(t, err)
	for i := range 100 {
		m := strings.Repeat("x", i*100)
		require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte(m)))
		_, p, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, m, string(p))
	}
	require.NoError(t, c.Close(1000, ""))
	require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-closed))
}
