package ws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"strata/trace"
)

// ErrNoHTTP2 is the error of a Dial with DialOptions.HTTP2 to a server that does
// not take WebSockets over HTTP/2: it did not send SETTINGS_ENABLE_CONNECT_PROTOCOL
// (RFC 8441 §3). Without that option the same server may be reached by HTTP/1.1.
var ErrNoHTTP2 = errors.New("the server takes no WebSocket over HTTP/2")

// dialHTTP2 asks for a stream by an extended CONNECT (RFC 8441 §5). On an error
// nothing is left open.
func (t target) dialHTTP2(ctx context.Context, opts *DialOptions) (*Conn, *http.Response, error) {
	if _, wrong := opts.HTTP2.(*http.Transport); wrong {
		return nil, nil, errors.New("DialOptions.HTTP2 is an *http.Transport, which sends no extended CONNECT; use an *http2.Transport of golang.org/x/net/http2")
	}
	h, host, err := t.header(opts)
	if err != nil {
		return nil, nil, err
	}
	h[headerPseudoProtocol] = []string{"websocket"}
	if h.Get("Accept-Encoding") == "" {
		h["Accept-Encoding"] = []string{"identity"} // or the transport asks for gzip
	}

	// The request lives on after the handshake, which ctx is for.
	requestCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	addrs := &connAddrs{local: streamAddr("client"), remote: streamAddr(t.addr)}
	s := newHTTPStream(nil, nil)
	wrote := make(chan struct{})
	wroteOnce := sync.OnceFunc(func() { close(wrote) })
	s.end = sync.OnceFunc(func() { go endRequest(wrote, cancel) })
	request := (&http.Request{
		Method: http.MethodConnect, URL: t.httpURL(), Host: host, Header: h,
		Proto: "HTTP/2.0", ProtoMajor: 2, ContentLength: -1, Body: s.frames,
	}).WithContext(httptrace.WithClientTrace(requestCtx, &httptrace.ClientTrace{
		GotConn:      addrs.got,
		WroteRequest: func(httptrace.WroteRequestInfo) { wroteOnce() },
	}))
	unwatch := context.AfterFunc(ctx, cancel)
	resp, err := opts.HTTP2.RoundTrip(request)
	var agreed agreement
	if err == nil {
		if agreed, err = opts.checkConnected(resp); err != nil {
			body := resp.Body
			resp.Body = keepRefusal(body)
			body.Close()
		}
	}
	if !unwatch() && err == nil {
		err = ctx.Err()
		resp.Body.Close()
		resp = nil
	}
	if err != nil {
		cancel()
		wroteOnce() // or never
		s.Close()
		return nil, resp, explainRoundTrip(ctx, err)
	}
	if opts.Jar != nil {
		opts.Jar.SetCookies(t.httpURL(), resp.Cookies())
	}
	s.local, s.remote = addrs.get()
	body := resp.Body
	resp.Body = http.NoBody
	go func() {
		s.receive(body)
		<-requestCtx.Done() // what we have to say may come after what they had
		body.Close()
	}()
	c := newConn(s, opts.config(agreed, nil))
	// On which connection the request would leave was not known before.
	c.tracer.request(trace.Out, http.MethodConnect, t.url.RequestURI(), "")
	c.tracer.response(trace.In, resp.StatusCode, "")
	return c, resp, nil
}

// endRequest ends a request whose body is closed: when the end of it was sent, as
// that is an orderly end (RFC 8441 §5) and a reset is not, or cannot be because the
// peer does not read.
func endRequest(wrote <-chan struct{}, cancel context.CancelFunc) {
	defer cancel()
	patience := time.NewTimer(endTimeout)
	defer patience.Stop()
	select {
	case <-wrote:
	case <-patience.C:
	}
}

const endTimeout = time.Second

// explainRoundTrip says what an error of the transport means. Those of a server
// that does not do this are not exported, so their texts are all there is.
func explainRoundTrip(ctx context.Context, err error) error {
	text := err.Error()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("handshake: %w", ctx.Err())
	case strings.Contains(text, "extended connect not supported"):
		return fmt.Errorf("%w: it sent no SETTINGS_ENABLE_CONNECT_PROTOCOL (a server of net/http does with GODEBUG=http2xconnect=1); dial without DialOptions.HTTP2", ErrNoHTTP2)
	case strings.Contains(text, "unexpected ALPN protocol"), strings.Contains(text, "tls: no application protocol"):
		return fmt.Errorf("%w: %w; dial without DialOptions.HTTP2", ErrNoHTTP2, err)
	}
	return err
}

// checkConnected judges the server's answer to an extended CONNECT (RFC 8441 §5).
func (opts *DialOptions) checkConnected(resp *http.Response) (a agreement, err error) {
	switch {
	case resp.StatusCode/100 != 2:
		return a, opts.refused(resp, "200 OK")
	case resp.ProtoMajor != 2:
		return a, fmt.Errorf("%w: it answered by %s", ErrNoHTTP2, resp.Proto)
	}
	return opts.agree(resp.Header)
}

// connAddrs are the addresses of the connection that a request leaves on.
type connAddrs struct {
	mu            sync.Mutex
	local, remote net.Addr
}

func (a *connAddrs) got(info httptrace.GotConnInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.local, a.remote = info.Conn.LocalAddr(), info.Conn.RemoteAddr()
}

func (a *connAddrs) get() (local, remote net.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.local, a.remote
}
