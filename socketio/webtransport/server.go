package webtransport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	wt "github.com/quic-go/webtransport-go"

	"strata/socketio/engineio"
)

// Options are a server's wishes. Its TLSConfig must be set.
type Options struct {
	// TLSConfig has the server's certificate.
	TLSConfig *tls.Config

	// Path is what the paths of requests begin with. Others are the
	// Handler's. "": all are served.
	Path string

	// Handler answers requests over HTTP/3 that do not open WebTransport:
	// where it is the socketio.Server, long-polling works, too. nil: they are
	// answered 404.
	Handler http.Handler

	// QUICConfig is for the connections. nil: at most 16 streams each way, of
	// which a session uses one, and an idle timeout that the sessions'
	// heartbeat stays within.
	QUICConfig *quic.Config
}

// Server opens sessions of an Engine.IO server, whose options have to have
// engineio.WebTransport among their Transports.
type Server struct {
	engine *engineio.Server
	opts   Options
	wt     *wt.Server
}

// maxStreams bounds what a client can have us keep beside its session's stream.
const maxStreams = 16

// NewServer makes a server.
func NewServer(engine *engineio.Server, opts *Options) *Server {
	s := &Server{engine: engine, opts: *opts}
	if s.opts.Handler == nil {
		s.opts.Handler = http.NotFoundHandler()
	}
	conf := s.opts.QUICConfig
	if conf == nil {
		interval, timeout := engine.Heartbeat()
		conf = &quic.Config{
			MaxIncomingStreams: maxStreams, MaxIncomingUniStreams: maxStreams,
			MaxIdleTimeout: interval + timeout + time.Second,
		}
	}
	s.wt = &wt.Server{
		H3: &http3.Server{
			TLSConfig:  http3.ConfigureTLSConfig(s.opts.TLSConfig),
			Handler:    http.HandlerFunc(s.serve),
			QUICConfig: conf,
		},
		CheckOrigin: engine.AllowsOrigin,
	}
	return s
}

// Serve serves the clients whose packets come by conn, until Close. It returns
// why it ended: http.ErrServerClosed after Close. Closing conn is the caller's.
func (s *Server) Serve(conn net.PacketConn) error {
	err := s.wt.Serve(conn)
	if errors.Is(err, context.Canceled) || errors.Is(err, quic.ErrServerClosed) {
		return http.ErrServerClosed
	}
	return err
}

// Close cuts all connections off. Close the Engine.IO or Socket.IO server before,
// so that what waits for clients is sent.
func (s *Server) Close() error { return s.wt.Close() }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || !strings.HasPrefix(r.URL.Path, s.opts.Path) {
		s.opts.Handler.ServeHTTP(w, r)
		return
	}
	s.engine.ServeStream(w, r, func(ctx context.Context) (net.Conn, error) {
		session, err := s.wt.Upgrade(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return nil, err
		}
		stream, err := session.AcceptStream(ctx)
		if err != nil {
			_ = session.CloseWithError(0, "")
			return nil, err
		}
		return &conn{stream, session}, nil
	})
}

// conn is a session's stream, which is all that we use of it.
type conn struct {
	*wt.Stream
	session *wt.Session
}

var _ net.Conn = (*conn)(nil)

// Close ends the session.
func (c *conn) Close() error { return c.session.CloseWithError(0, "") }

// CloseWrite ends our direction of the stream.
func (c *conn) CloseWrite() error { return c.Stream.Close() }

// LocalAddr is our end of the QUIC connection, which may change.
func (c *conn) LocalAddr() net.Addr { return c.session.LocalAddr() }

// RemoteAddr is the peer's.
func (c *conn) RemoteAddr() net.Addr { return c.session.RemoteAddr() }
