package engineio

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"strata/trace"
	"strata/ws"
)

// DialOptions are a client's wishes. The zero value works.
type DialOptions struct {
	// Transports to use. The session opens with the first; where that is
	// long-polling and WebSocket or WebTransport is among the others, it
	// changes to it. Empty: WebSocket.
	Transports []Transport

	// DialWebTransport opens the stream of a session over WebTransport, at a
	// URL of scheme https: the method of that name of a
	// strata/socketio/webtransport.Dialer. nil: WebTransport cannot be used.
	DialWebTransport func(ctx context.Context, url string) (net.Conn, error)

	// TryAllTransports has the next transport tried where the session does
	// not open with the first.
	TryAllTransports bool

	// NoUpgrade keeps a session that opened as long-polling as it is.
	NoUpgrade bool

	// DialContext opens the connections below. nil: a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Compression has messages over WebSocket compressed, where the server
	// agrees (RFC 7692): the official client offers that, the official
	// server does not agree. nil: it is not offered.
	Compression *ws.Compression

	// TLSConfig is for https and wss. nil: the standard library's, which
	// verifies the server.
	TLSConfig *tls.Config

	// Header goes with the requests.
	Header http.Header

	// Jar keeps cookies: what the server sets goes with later requests, and
	// later sessions that use the same jar. nil: none are kept.
	Jar http.CookieJar

	// RequestTimeout bounds each request of long-polling that sends. 0: not.
	RequestTimeout time.Duration

	// MaxMessage is the largest message or payload that is read, bytes. 0:
	// 16 MiB.
	MaxMessage int

	// SendPackets and SendBytes bound what waits to be sent. 0: as for a
	// server.
	SendPackets int
	SendBytes   int

	// OnUpgrade is called when the session has changed to a WebSocket. nil:
	// nobody is told.
	OnUpgrade func()

	// Rand is where the WebSocket's masks come from. nil: crypto/rand.
	Rand io.Reader

	// Recorder is told of the upgrade, frames and packets. nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string
}

const defaultMaxMessage = 16 << 20

// Dial opens a session with the server whose Engine.IO is at rawURL
// ("http://host/socket.io/"; https, ws and wss as well). ctx bounds the opening
// only. accept returns who is told of messages and the end; it is called before
// anything is read after the handshake, and may already Send.
func Dial(ctx context.Context, rawURL string, opts *DialOptions, accept func(*Conn) Handler) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("engine.io: dial: %w", err)
	}
	transports := opts.Transports
	if len(transports) == 0 {
		transports = []Transport{WebSocket}
	}
	var errs []error
	for i, t := range transports {
		c := newClientConn(u, opts, transports)
		switch t {
		case WebSocket, WebTransport:
			err = c.openCarrier(ctx, t)
		case Polling:
			err = c.openPolling(ctx)
		default:
			err = fmt.Errorf("engine.io: dial: transport %q is not known", t)
		}
		if err == nil {
			c.start(accept)
			return c, nil
		}
		errs = append(errs, err)
		if !opts.TryAllTransports || ctx.Err() != nil || i == len(transports)-1 {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// address is the URL of a transport of the session.
func (c *Conn) address(t Transport) *url.URL {
	u := *c.url
	switch {
	case t == Polling && u.Scheme == "ws":
		u.Scheme = "http"
	case t == Polling && u.Scheme == "wss", t == WebTransport:
		u.Scheme = "https"
	}
	q := u.Query()
	q.Set("EIO", "4")
	q.Set("transport", string(t))
	if c.id != "" {
		q.Set("sid", c.id)
	}
	u.RawQuery = q.Encode()
	return &u
}

// dialWebSocket opens a WebSocket, for a new session or for this one.
func (c *Conn) dialWebSocket(ctx context.Context) (carrier, error) {
	u := c.address(WebSocket)
	header := c.opts.Header
	if c.opts.Jar != nil {
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		for _, cookie := range c.opts.Jar.Cookies(c.address(Polling)) {
			header.Add("Cookie", cookie.Name+"="+cookie.Value)
		}
	}
	conn, resp, err := ws.Dial(ctx, u.String(), &ws.DialOptions{
		DialContext: c.opts.DialContext, TLSConfig: c.opts.TLSConfig, Header: header, Compression: c.opts.Compression,
		ReadLimit: int64(c.maxMessage()), Rand: c.opts.Rand, Recorder: c.opts.Recorder, Host: c.opts.Host,
	})
	if resp != nil && c.opts.Jar != nil {
		c.opts.Jar.SetCookies(c.address(Polling), resp.Cookies())
	}
	if err != nil {
		return nil, err
	}
	return &webSocket{conn: conn}, nil
}

func (c *Conn) maxMessage() int {
	limit := c.opts.MaxMessage
	orDefault(&limit, defaultMaxMessage)
	return limit
}

// dialStream opens a stream, for a new session or for this one.
func (c *Conn) dialStream(ctx context.Context) (carrier, error) {
	if c.opts.DialWebTransport == nil {
		return nil, errors.New("webtransport: option DialWebTransport is not set")
	}
	conn, err := c.opts.DialWebTransport(ctx, c.address(WebTransport).String())
	if err != nil {
		return nil, fmt.Errorf("webtransport: %w", err)
	}
	s := newStream(conn, c.maxMessage())
	first := outgoingPacket(packetOpen, "")
	if c.id != "" {
		sid, _ := json.Marshal(map[string]string{"sid": c.id}) // strings
		first = outgoingPacket(packetOpen, string(sid))
	}
	if err := s.write(first); err != nil {
		s.closeNow()
		return nil, fmt.Errorf("webtransport: %w", err)
	}
	return s, nil
}

// dialCarrier opens a WebSocket or a stream.
func (c *Conn) dialCarrier(ctx context.Context, t Transport) (carrier, error) {
	if t == WebTransport {
		return c.dialStream(ctx)
	}
	return c.dialWebSocket(ctx)
}

// openCarrier opens the session as a WebSocket or over WebTransport.
func (c *Conn) openCarrier(ctx context.Context, t Transport) error {
	conn, err := c.dialCarrier(ctx, t)
	if err != nil {
		return fmt.Errorf("engine.io: %w", err)
	}
	c.conn, c.transport, c.flow = conn, t, c.trace.flowOf(conn)
	p, err := conn.read(ctx)
	if err == nil {
		err = c.opened(p)
	}
	if err != nil {
		conn.closeNow()
		return fmt.Errorf("engine.io: dial %s: %w", c.url, err)
	}
	return nil
}

// opened takes the first packet, which has to be the server's open.
func (c *Conn) opened(p packet) error {
	var data openData
	if p.typ != packetOpen || json.Unmarshal(p.data, &data) != nil || data.SID == "" || data.PingInterval <= 0 || data.PingTimeout <= 0 {
		return errors.New("the server did not begin with an Engine.IO open packet")
	}
	c.trace.engine(trace.In, c.flow, packetOpen, data.SID, c.transport, len(p.data))
	const longest = int64(24 * time.Hour / time.Millisecond) // so that the sum cannot overflow
	c.id = data.SID
	c.silence = time.Duration(min(data.PingInterval, longest)+min(data.PingTimeout, longest)) * time.Millisecond
	c.maxPayload = data.MaxPayload
	c.upgrades = data.Upgrades
	return nil
}
