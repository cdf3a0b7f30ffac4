package ws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// DialContext makes it what golang.org/x/net/proxy wants.
func (f dialFunc) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return f(ctx, network, addr)
}

// Dial makes it what golang.org/x/net/proxy wants.
func (f dialFunc) Dial(network, addr string) (net.Conn, error) {
	return f(context.Background(), network, addr)
}

// connect opens a connection to the target, through a proxy where there is one.
func (t target) connect(ctx context.Context, opts *DialOptions) (net.Conn, error) {
	dial := dialFunc(opts.DialContext)
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	via, err := t.proxy(opts)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if via == nil {
		return dial(ctx, "tcp", t.addr)
	}
	var conn net.Conn
	switch via.Scheme {
	case "http", "https":
		conn, err = t.tunnel(ctx, via, dial, opts)
	case "socks5", "socks5h":
		conn, err = t.socks(ctx, via, dial)
	default:
		err = fmt.Errorf("scheme %q; use http, https or socks5", via.Scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", via.Redacted(), err)
	}
	return conn, nil
}

// proxy asks which proxy is to be used; nil: none.
func (t target) proxy(opts *DialOptions) (*url.URL, error) {
	if opts.Proxy == nil {
		return nil, nil
	}
	return opts.Proxy(&http.Request{Method: http.MethodGet, URL: t.httpURL(), Host: t.url.Host, Header: opts.Header})
}

// httpURL is the address as net/http has it, with http or https.
func (t target) httpURL() *url.URL {
	u := *t.url
	u.Scheme = "http"
	if t.tls {
		u.Scheme = "https"
	}
	return &u
}

// socks goes through a SOCKS5 proxy (RFC 1928), which resolves the name.
func (t target) socks(ctx context.Context, via *url.URL, dial dialFunc) (net.Conn, error) {
	var auth *proxy.Auth
	if u := via.User; u != nil {
		password, _ := u.Password()
		auth = &proxy.Auth{User: u.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", withPort(via, "1080"), auth, dial)
	if err != nil {
		return nil, err
	}
	return d.(proxy.ContextDialer).DialContext(ctx, "tcp", t.addr)
}

func withPort(u *url.URL, port string) string {
	if p := u.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// tunnel goes through an HTTP proxy (RFC 9110 §9.3.6), also for ws (RFC 6455
// §4.1).
func (t target) tunnel(ctx context.Context, via *url.URL, dial dialFunc, opts *DialOptions) (net.Conn, error) {
	port := map[string]string{"http": "80", "https": "443"}[via.Scheme]
	conn, err := dial(ctx, "tcp", withPort(via, port))
	if err != nil {
		return nil, err
	}
	if via.Scheme == "https" {
		config := opts.TLSConfig.Clone()
		if config == nil {
			config = &tls.Config{}
		}
		config.ServerName, config.NextProtos = via.Hostname(), []string{"http/1.1"}
		conn = tls.Client(conn, config)
	}
	limit := deadline{set: conn.SetDeadline}
	stop := limit.watch(ctx)
	err = t.askForTunnel(conn, via)
	limit.unwatch(stop)
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return conn, nil
}

func (t target) askForTunnel(conn net.Conn, via *url.URL) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", t.addr, t.addr)
	if u := via.User; u != nil {
		password, _ := u.Password()
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	b.WriteString("\r\n")
	if _, err := conn.Write(b.Bytes()); err != nil {
		return err
	}
	br := bufio.NewReader(&io.LimitedReader{R: conn, N: maxResponseHeader})
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	switch {
	case err != nil:
		return fmt.Errorf("read the response to CONNECT: %w", err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("it answered CONNECT with %q", resp.Status)
	case br.Buffered() > 0:
		return fmt.Errorf("it sent %d bytes behind its response to CONNECT", br.Buffered())
	}
	return nil
}
