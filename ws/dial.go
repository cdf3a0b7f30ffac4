package ws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"strata/trace"
)

// DialOptions are a client's wishes. The zero value works.
type DialOptions struct {
	// DialContext opens the connection below: network is "tcp", addr
	// "host:port" with the name as it is in the URL. nil: a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Proxy says which proxy to use for the address, as in http.Transport:
	// http.ProxyFromEnvironment, or http.ProxyURL. The request that it is
	// asked about has the scheme http or https. http, https and socks5
	// proxies are understood. nil: none.
	Proxy func(*http.Request) (*url.URL, error)

	// TLSConfig is for wss. nil: the standard library's. The server name is
	// taken from the URL where it is empty.
	TLSConfig *tls.Config

	// HTTP2 has the WebSocket be a stream of an HTTP/2 connection (RFC 8441),
	// which it opens, and which may have many: an *http2.Transport of
	// golang.org/x/net/http2 (net/http's own refuses such requests). Its
	// dialer and TLS configuration count then; DialContext, Proxy, TLSConfig
	// are not used. Where the server cannot, the error is ErrNoHTTP2. nil:
	// HTTP/1.1.
	HTTP2 http.RoundTripper

	// Header goes with the request: Origin, Cookie, Authorization, or Host
	// in place of the URL's. Those of the handshake itself are refused.
	Header http.Header

	// Jar has cookies to send, and is given those that the server sets. nil:
	// only those in Header are sent.
	Jar http.CookieJar

	// MaxRedirects is how many redirects are followed: to wss only from wss,
	// and without Header's Authorization and Cookie to another host. 0: none.
	MaxRedirects int

	// Subprotocols are offered, the preferred first.
	Subprotocols []string

	// ReadLimit is the largest message read, bytes, after it is inflated. 0:
	// 1 MiB; negative: none, see [Conn.SetReadLimit].
	ReadLimit int64

	// CloseTimeout bounds the closing handshake and the writing of each
	// control frame. 0: 5 s.
	CloseTimeout time.Duration

	// Rand is where the key and the masks come from; it is read in batches,
	// by one goroutine of a connection at a time. nil: crypto/rand.
	Rand io.Reader

	// WriteTimeout bounds the writing of each frame, and of each 64 KiB of what is
	// larger or was held, beside its context: a peer that does not read for longer
	// is given up. It is kept to within a half, and begins again where the peer took
	// 1 KiB; not over TLS. 0: none, but 10 s for frames that a Batch or a Handler
	// holds.
	WriteTimeout time.Duration

	// Compression is offered to the server. nil: it is not.
	Compression *Compression

	// KeepAlive pings a server that is silent. The zero value: it does not.
	KeepAlive KeepAlive

	// Recorder is told of the upgrade and of every frame. nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string

	// Now is the clock for deadlines and the trace. nil: time.Now.
	Now func() time.Time
}

const (
	maxResponseHeader = 64 << 10 // bytes
	maxRefusalBody    = 1 << 10  // bytes of the body of a refusal that are kept
	maxInformational  = 5        // responses before the final one (RFC 9110 §15.2)
)

// Dial opens a WebSocket (RFC 6455 §4.1): ws and wss, or http and https, which
// mean the same here. ctx bounds the whole handshake and nothing after it: give
// it a deadline. opts may be nil.
//
// Where the server answers with anything but the upgrade, the response comes
// with the error, with the first 1 KiB of its body.
func Dial(ctx context.Context, urlStr string, opts *DialOptions) (*Conn, *http.Response, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	t, err := parseTarget(urlStr)
	if err != nil {
		return nil, nil, err
	}
	dial := target.dial
	if opts.HTTP2 != nil {
		dial = target.dialHTTP2
	}
	for followed := 0; ; followed++ {
		conn, resp, err := dial(t, ctx, opts)
		if err == nil {
			return conn, resp, nil
		}
		next, ok, redirectErr := t.redirect(resp)
		if !ok || followed >= opts.MaxRedirects {
			return nil, resp, fmt.Errorf("ws: dial %s: %w", t.url.Redacted(), err)
		}
		if redirectErr != nil {
			return nil, resp, fmt.Errorf("ws: dial %s: %w", t.url.Redacted(), redirectErr)
		}
		if next.addr != t.addr {
			opts = opts.withoutSecrets()
		}
		t = next
	}
}

// redirect is where a response redirects to, if it does.
func (t target) redirect(resp *http.Response) (next target, ok bool, err error) {
	if resp == nil || resp.StatusCode/100 != 3 || resp.Header.Get("Location") == "" {
		return target{}, false, nil
	}
	u, err := t.httpURL().Parse(resp.Header.Get("Location"))
	if err != nil {
		return target{}, true, err
	}
	if next, err = parseTarget(u.String()); err != nil {
		return target{}, true, err
	}
	if t.tls && !next.tls {
		return target{}, true, fmt.Errorf("the server redirects from TLS to %s, which has none", u.Redacted())
	}
	return next, true, nil
}

// withoutSecrets is opts for another host than they were meant for.
func (opts *DialOptions) withoutSecrets() *DialOptions {
	o := *opts
	o.Header = make(http.Header)
	for name, values := range opts.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Cookie", "Host":
		default:
			o.Header[name] = values
		}
	}
	return &o
}

// target is where a client wants to go.
type target struct {
	url  *url.URL
	tls  bool
	addr string // host:port
}

func parseTarget(urlStr string) (target, error) {
	u, err := url.Parse(urlStr)
	if err != nil {
		return target{}, fmt.Errorf("ws: dial: %w", err)
	}
	t := target{url: u}
	port := "80"
	switch strings.ToLower(u.Scheme) {
	case "ws", "http":
	case "wss", "https":
		t.tls, port = true, "443"
	default:
		return target{}, fmt.Errorf("ws: dial %s: scheme %q; use ws or wss", u.Redacted(), u.Scheme)
	}
	host := u.Hostname()
	if host == "" {
		return target{}, fmt.Errorf("ws: dial %s: no host", u.Redacted())
	}
	if u.Fragment != "" || strings.HasSuffix(urlStr, "#") {
		return target{}, fmt.Errorf("ws: dial %s: a WebSocket's URL has no fragment (RFC 6455 §3); write # as %%23", u.Redacted())
	}
	for i := range len(u.Host) {
		if u.Host[i] <= ' ' || u.Host[i] >= 0x7F {
			return target{}, fmt.Errorf("ws: dial %s: the host is not ASCII; use its xn-- form", u.Redacted())
		}
	}
	if p := u.Port(); p != "" {
		port = p
	}
	t.addr = net.JoinHostPort(host, port)
	return t, nil
}

// dial connects and does the handshake. On an error nothing is left open.
func (t target) dial(ctx context.Context, opts *DialOptions) (*Conn, *http.Response, error) {
	var nonce [16]byte
	if _, err := io.ReadFull(opts.random(), nonce[:]); err != nil {
		return nil, nil, fmt.Errorf("draw the key: %w", err)
	}
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request, err := t.request(key, opts)
	if err != nil {
		return nil, nil, err
	}
	conn, err := t.connect(ctx, opts)
	if err != nil {
		return nil, nil, err
	}
	if t.tls {
		conn = tls.Client(conn, t.tlsConfig(opts.TLSConfig))
	}
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	tr := newTracer(opts.Recorder, opts.Host, now, conn)

	limit := deadline{set: conn.SetDeadline}
	stop := limit.watch(ctx)
	resp, buffered, err := t.shake(ctx, conn, request, tr, key)
	limit.unwatch(stop)
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("handshake: %w", ctx.Err())
		}
		return nil, nil, err
	}
	if opts.Jar != nil {
		opts.Jar.SetCookies(t.httpURL(), resp.Cookies())
	}
	agreed, err := checkResponse(resp, key, opts)
	if err != nil {
		conn.Close()
		return nil, resp, err
	}
	return newConn(conn, opts.config(agreed, buffered)), resp, nil
}

func (opts *DialOptions) config(agreed agreement, buffered []byte) connConfig {
	return connConfig{
		client:       true,
		subprotocol:  agreed.subprotocol,
		readLimit:    opts.ReadLimit,
		closeTimeout: opts.CloseTimeout,
		writeTimeout: opts.WriteTimeout,
		keepAlive:    opts.KeepAlive,
		compression:  opts.Compression,
		deflate:      agreed.deflate,
		buffered:     buffered,
		rand:         opts.random(),
		recorder:     opts.Recorder,
		host:         opts.Host,
		now:          opts.Now,
	}
}

// random is where the key and the masks come from.
func (opts *DialOptions) random() io.Reader {
	if opts.Rand == nil {
		return rand.Reader
	}
	return opts.Rand
}

func (t target) tlsConfig(given *tls.Config) *tls.Config {
	config := given.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = t.url.Hostname()
	}
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no Upgrade
	return config
}

// handshakeHeaders are those of the request that are not the caller's to set.
var handshakeHeaders = map[string]bool{
	"Upgrade": true, "Connection": true, "Content-Length": true, "Transfer-Encoding": true,
	headerKey: true, headerVersion: true, headerProtocol: true, headerExtensions: true,
}

// request is the client's opening handshake.
func (t target) request(key string, opts *DialOptions) ([]byte, error) {
	h, host, err := t.header(opts)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n", t.url.RequestURI(), host, key)
	if err := h.Write(&b); err != nil {
		return nil, err
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// header is what the request says in either version of HTTP. Names are as the RFC
// writes them: there are servers to which that matters.
func (t target) header(opts *DialOptions) (h http.Header, host string, err error) {
	h = make(http.Header, len(opts.Header)+4)
	for name, values := range opts.Header {
		name = http.CanonicalHeaderKey(name)
		if handshakeHeaders[name] {
			return nil, "", fmt.Errorf("header %s is the handshake's own", name)
		}
		h[name] = append(h[name], values...)
	}
	host = t.url.Host
	if given := h.Get("Host"); given != "" {
		if strings.ContainsAny(given, "\r\n") {
			return nil, "", fmt.Errorf("header Host %q has a line break", given)
		}
		host = given
	}
	delete(h, "Host")
	h["Sec-WebSocket-Version"] = []string{"13"}
	for _, p := range opts.Subprotocols {
		if !isToken(p) {
			return nil, "", fmt.Errorf("subprotocol %q is not a token", p)
		}
	}
	if len(opts.Subprotocols) > 0 {
		h["Sec-WebSocket-Protocol"] = []string{strings.Join(opts.Subprotocols, ", ")}
	}
	if opts.Compression != nil {
		if err := opts.Compression.check(); err != nil {
			return nil, "", err
		}
		h["Sec-WebSocket-Extensions"] = []string{opts.Compression.offer()}
	}
	if opts.Jar != nil {
		for _, c := range opts.Jar.Cookies(t.httpURL()) {
			h["Cookie"] = joinCookies(h["Cookie"], c.Name+"="+c.Value)
		}
	}
	if u := t.url.User; u != nil && h.Get("Authorization") == "" {
		password, _ := u.Password()
		h["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))}
	}
	return h, host, nil
}

// joinCookies adds a cookie to a header of which there is one line (RFC 6265
// §5.4).
func joinCookies(lines []string, cookie string) []string {
	return []string{strings.Join(append(lines, cookie), "; ")}
}

// shake sends the request and reads the response, and what came after it.
func (t target) shake(ctx context.Context, conn net.Conn, request []byte, tr *tracer, key string) (*http.Response, []byte, error) {
	if tc, ok := conn.(*tls.Conn); ok {
		if err := tc.HandshakeContext(ctx); err != nil {
			return nil, nil, err
		}
	}
	tr.request(trace.Out, http.MethodGet, t.url.RequestURI(), key)
	if _, err := conn.Write(request); err != nil {
		return nil, nil, fmt.Errorf("send the request: %w", err)
	}
	limited := &io.LimitedReader{R: conn, N: maxResponseHeader}
	br := bufio.NewReader(limited)
	asked := &http.Request{Method: http.MethodGet}
	for range maxInformational + 1 {
		resp, err := http.ReadResponse(br, asked)
		switch {
		case err != nil && limited.N <= 0:
			return nil, nil, fmt.Errorf("the response's header is larger than %d bytes", maxResponseHeader)
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil, nil, fmt.Errorf("the server ended the connection without a response: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return nil, nil, fmt.Errorf("read the response: %w", err)
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		tr.response(trace.In, resp.StatusCode, resp.Header.Get(headerAccept))
		if resp.StatusCode != http.StatusSwitchingProtocols {
			resp.Body = keepRefusal(resp.Body)
			return resp, nil, nil
		}
		resp.Body = http.NoBody
		buffered, err := br.Peek(br.Buffered())
		return resp, buffered, err
	}
	return nil, nil, fmt.Errorf("more than %d informational responses", maxInformational)
}

// keepRefusal is the beginning of a refusal's body.
func keepRefusal(body io.Reader) io.ReadCloser {
	kept, _ := io.ReadAll(io.LimitReader(body, maxRefusalBody))
	return io.NopCloser(bytes.NewReader(kept))
}

// checkResponse judges the server's handshake (RFC 6455 §4.1, the second list)
// and returns what is agreed on.
func checkResponse(resp *http.Response, key string, opts *DialOptions) (a agreement, err error) {
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return a, opts.refused(resp, "101 Switching Protocols")
	}
	h := resp.Header
	if !hasToken(h, "Upgrade", "websocket") || !hasToken(h, "Connection", "upgrade") {
		return a, fmt.Errorf("the server's 101 has Upgrade %q and Connection %q, not websocket and Upgrade", h["Upgrade"], h["Connection"])
	}
	if got := h[headerAccept]; len(got) != 1 || got[0] != acceptKey(key) {
		return a, fmt.Errorf("the server's Sec-WebSocket-Accept is %.100q, not the answer to our key", got)
	}
	return opts.agree(h)
}

// refused is the error of an answer that opens no WebSocket.
func (opts *DialOptions) refused(resp *http.Response, wanted string) error {
	if l := resp.Header.Get("Location"); l != "" && resp.StatusCode/100 == 3 {
		return fmt.Errorf("the server redirects to %.200q (%s); DialOptions.MaxRedirects does not allow that", l, resp.Status)
	}
	return fmt.Errorf("the server answered %q in place of %s", resp.Status, wanted)
}

// agree judges what the server chose of our offers.
func (opts *DialOptions) agree(h http.Header) (a agreement, err error) {
	if a.deflate, err = opts.Compression.checkAnswer(h); err != nil {
		return a, err
	}
	p := h[headerProtocol]
	if len(p) == 0 {
		return a, nil
	}
	for _, o := range opts.Subprotocols {
		if len(p) == 1 && p[0] == o {
			a.subprotocol = o
			return a, nil
		}
	}
	return a, fmt.Errorf("the server chose subprotocol %.100q, which was not offered", p)
}
