package webtransport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/quic-go/quic-go"
	wt "github.com/quic-go/webtransport-go"
)

// Dialer opens the streams of a client's sessions. The zero value works.
type Dialer struct {
	// TLSConfig is the client's. nil: the standard library's, which verifies
	// the server.
	TLSConfig *tls.Config

	// Header goes with the request.
	Header http.Header

	// DialContext makes what the packets travel by, for network "udp". nil:
	// the kernel does.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Dial opens a stream to an https URL: it is for the option DialWebTransport of
// packages client and engineio.
func (d *Dialer) Dial(ctx context.Context, rawURL string) (net.Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "443")
	}
	transport := &wt.Transport{TLSClientConfig: d.TLSConfig}
	if d.DialContext != nil {
		transport.DialAddr = d.dialAddr
	}
	resp, session, err := transport.Dial(ctx, u.String(), d.Header)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the server answered %d: %w", resp.StatusCode, err)
		}
		return nil, err
	}
	stream, err := session.OpenStreamSync(ctx)
	if err != nil {
		_ = session.CloseWithError(0, "")
		return nil, err
	}
	return &conn{stream, session}, nil
}

// dialAddr is quic.DialAddrEarly by the user's DialContext.
func (d *Dialer) dialAddr(ctx context.Context, addr string, tlsConf *tls.Config, conf *quic.Config) (*quic.Conn, error) {
	if host, _, err := net.SplitHostPort(addr); err == nil && tlsConf.ServerName == "" {
		tlsConf.ServerName = host
	}
	socket, err := d.DialContext(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	transport := &quic.Transport{Conn: packetConn{socket}}
	end := func() {
		_ = transport.Close()
		_ = socket.Close()
	}
	c, err := transport.DialEarly(ctx, socket.RemoteAddr(), tlsConf, conf)
	if err != nil {
		end()
		return nil, err
	}
	context.AfterFunc(c.Context(), end)
	return c, nil
}

// packetConn is a socket that speaks with one peer, for who wants to name it.
type packetConn struct{ net.Conn }

var _ net.PacketConn = packetConn{}

func (p packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Read(b)
	return n, p.RemoteAddr(), err
}

func (p packetConn) WriteTo(b []byte, _ net.Addr) (int, error) { return p.Write(b) }
