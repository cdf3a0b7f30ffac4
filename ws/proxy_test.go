package ws_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// join copies between two connections until either ends.
func join(a, b net.Conn, fromA io.Reader) {
	done := make(chan struct{})
	go func() { io.Copy(b, fromA); b.Close(); close(done) }()
	io.Copy(a, b)
	a.Close()
	<-done
}

// httpProxy is a proxy for CONNECT that wants a password; where it was asked to
// go to goes to asked.
func httpProxy(t *testing.T, asked chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNz" {
			http.Error(w, "no", http.StatusProxyAuthRequired)
			return
		}
		asked <- r.Host
		to, err := net.Dial("tcp", strings.Replace(r.Host, "name.test", "127.0.0.1", 1))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		conn, brw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		join(conn, to, brw)
	}
}

// socksProxy is a SOCKS5 proxy (RFC 1928, and RFC 1929 for the password), for one
// connection.
func socksProxy(t *testing.T, asked chan string) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		br := bufio.NewReader(conn)
		take := func(n int) []byte { p := make([]byte, n); io.ReadFull(br, p); return p }
		take(int(take(2)[1]))
		conn.Write([]byte{5, 2})
		user := take(int(take(2)[1]))
		password := take(int(take(1)[0]))
		conn.Write([]byte{1, 0})
		take(4)
		host := string(take(int(take(1)[0])))
		port := binary.BigEndian.Uint16(take(2))
		asked <- fmt.Sprintf("%s:%s %s:%d", user, password, host, port)
		to, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return
		}
		conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		join(conn, to, br)
	}()
	return ln.Addr().String()
}

// Through a proxy of each kind, ws and wss, with a name that only the proxy can
// resolve and a password.
func TestDialThroughProxy(t *testing.T) {
	asked := make(chan string, 1)
	plain := httptest.NewServer(httpProxy(t, asked))
	defer plain.Close()
	secure := httptest.NewTLSServer(httpProxy(t, asked))
	defer secure.Close()
	for _, withTLS := range []bool{false, true} {
		echoURL, hc, _ := echoServer(t, withTLS, &ws.AcceptOptions{})
		tlsConfig := secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		if withTLS {
			tlsConfig = hc.Transport.(*http.Transport).TLSClientConfig.Clone()
		}
		tlsConfig.InsecureSkipVerify = true // the name is not the certificate's
		echoURL = strings.Replace(echoURL, "127.0.0.1", "name.test", 1)
		for _, via := range []string{
			strings.Replace(plain.URL, "://", "://user:pass@", 1),
			strings.Replace(secure.URL, "://", "://user:pass@", 1),
			"socks5://user:pass@" + socksProxy(t, asked),
		} {
			u, err := url.Parse(via)
			require.NoError(t, err)
			c, _, err := ws.Dial(t.Context(), echoURL, &ws.DialOptions{TLSConfig: tlsConfig, Proxy: http.ProxyURL(u)})
			require.NoError(t, err, via)
			require.Contains(t, <-asked, "name.test:")
			require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("through "+u.Scheme)))
			_, p, err := c.Read(t.Context())
			require.NoError(t, err)
			require.Equal(t, "through "+u.Scheme, string(p))
			require.NoError(t, c.Close(1000, ""))
		}
	}
	// A proxy's refusal, one that talks out of turn, and one that is none.
	u, _ := url.Parse(plain.URL)
	_, _, err := ws.Dial(t.Context(), "ws://name.test", &ws.DialOptions{Proxy: http.ProxyURL(u)})
	require.ErrorContains(t, err, "407")
	u = &url.URL{Scheme: "http", Host: strings.TrimPrefix(rawServer(t, func(*http.Request, string) string { return "HTTP/1.1 200 OK\r\n\r\nhello" }), "ws://")}
	_, _, err = ws.Dial(t.Context(), "ws://name.test", &ws.DialOptions{Proxy: http.ProxyURL(u)})
	require.ErrorContains(t, err, "behind its response")
	_, _, err = ws.Dial(t.Context(), "ws://name.test", &ws.DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "ftp", Host: "x"})})
	require.ErrorContains(t, err, "use http, https or socks5")
	_, _, err = ws.Dial(t.Context(), "ws://name.test", &ws.DialOptions{Proxy: func(r *http.Request) (*url.URL, error) {
		require.Equal(t, "http://name.test", r.URL.String())
		return nil, context.Canceled
	}})
	require.ErrorIs(t, err, context.Canceled)
}

// Redirects are followed as often as was asked for, secrets stay with their host,
// and TLS is not given up for none.
func TestDialRedirects(t *testing.T) {
	seen := make(chan http.Header, 10)
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		if c, err := ws.Accept(w, r, nil); err == nil {
			c.CloseNow()
		}
	})
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}
		http.Redirect(w, r, other, http.StatusTemporaryRedirect)
	})
	header := http.Header{"Authorization": {"secret"}, "X-Mine": {"1"}}
	for allowed := range 3 {
		c, resp, err := ws.Dial(t.Context(), first, &ws.DialOptions{Header: header, MaxRedirects: allowed})
		for range allowed {
			require.Equal(t, "secret", (<-seen).Get("Authorization"))
		}
		last := <-seen
		require.Equal(t, "1", last.Get("X-Mine"))
		if allowed < 2 {
			require.ErrorContains(t, err, "MaxRedirects")
			require.Equal(t, 3, resp.StatusCode/100)
			continue
		}
		require.NoError(t, err)
		require.Empty(t, last.Get("Authorization"))
		c.CloseNow()
	}
	srv := httptest.NewTLSServer(http.RedirectHandler(other, http.StatusFound))
	defer srv.Close()
	_, _, err := ws.Dial(t.Context(), srv.URL, &ws.DialOptions{MaxRedirects: 5, TLSConfig: srv.Client().Transport.(*http.Transport).TLSClientConfig})
	require.ErrorContains(t, err, "from TLS")
}

// Cookies that a server sets with the handshake come back with the next one.
func TestDialCookies(t *testing.T) {
	seen := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Cookie")
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "42"})
		if c, err := ws.Accept(w, r, nil); err == nil {
			c.CloseNow()
		}
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	for _, want := range []string{"mine=1", "mine=1; session=42"} {
		c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{Jar: jar, Header: http.Header{"Cookie": {"mine=1"}}})
		require.NoError(t, err)
		c.CloseNow()
		require.Equal(t, want, <-seen)
	}
}
