package lab

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// Server is an HTTP server for one test, as httptest.Server is, over a wire in
// memory in place of kernel sockets: no ports, and any number at once. It runs
// in real time.
type Server struct {
	URL string // "http://server.test" or "https://server.test"

	// Wire is what lies between: its A end is the clients', its B end the
	// server's.
	Wire *link.Wire

	client *stack.Host
	server *stack.Host
	http   *http.Server
	tls    *tls.Config // of clients; nil without TLS
	close  sync.Once

	mu         sync.Mutex
	transports []*http.Transport
}

// serverName is what a Server is called by its clients.
const serverName = "server.test"

var (
	serverAddr = netip.MustParseAddr("10.0.0.2")
	clientAddr = netip.MustParseAddr("10.0.0.1")
)

// NewServer serves handler until the test ends. A shape is that of the wire from
// the clients to the server and, unless a second is given, back; without one the
// wire is perfect.
func NewServer(t testing.TB, handler http.Handler, shape ...link.Shape) *Server {
	t.Helper()
	return newServer(t, handler, nil, shape)
}

// NewTLSServer is NewServer with TLS (and HTTP/2): Client and ClientTLS trust
// its certificate.
func NewTLSServer(t testing.TB, handler http.Handler, shape ...link.Shape) *Server {
	t.Helper()
	ca, err := newAuthority(rand.Reader, time.Now())
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	return newServer(t, handler, ca, shape)
}

func newServer(t testing.TB, handler http.Handler, ca *authority, shape []link.Shape) *Server {
	t.Helper()
	c := link.WireConfig{Name: serverName}
	if len(shape) > 0 {
		c.AB, c.BA = shape[0], shape[len(shape)-1]
	}
	s := &Server{
		URL:    "http://" + serverName,
		Wire:   link.NewWire(c),
		client: stack.New(stack.Config{Name: "client"}),
		server: stack.New(stack.Config{Name: "server"}),
		http:   &http.Server{Handler: handler},
	}
	t.Cleanup(s.Close)
	s.client.SetResolver(onlyServer{})
	if _, err := s.client.Attach(s.Wire.A(), netip.PrefixFrom(clientAddr, 24)); err != nil {
		t.Fatalf("lab: %v", err)
	}
	if _, err := s.server.Attach(s.Wire.B(), netip.PrefixFrom(serverAddr, 24)); err != nil {
		t.Fatalf("lab: %v", err)
	}
	if ca == nil {
		ln, err := tcp.Listen(s.server, "tcp", ":80")
		if err != nil {
			t.Fatalf("lab: %v", err)
		}
		go s.http.Serve(ln)
		return s
	}
	cert, err := ca.certificate(rand.Reader, 1, serverName, serverAddr)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	ln, err := tcp.Listen(s.server, "tcp", ":443")
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	s.URL = "https://" + serverName
	s.tls = &tls.Config{RootCAs: ca.pool}
	s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	go s.http.ServeTLS(ln, "", "")
	return s
}

// onlyServer is a resolver that knows one name.
type onlyServer struct{}

func (onlyServer) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if host != serverName || network == "ip6" {
		return nil, &net.DNSError{Err: "only " + serverName + " is known here", Name: host, IsNotFound: true}
	}
	return []netip.Addr{serverAddr}, nil
}

// DialContext dials from the client's host: it fits the clients of ws and
// socketio too.
func (s *Server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return (&tcp.Dialer{Host: s.client}).DialContext(ctx, network, address)
}

// ClientTLS is what a client needs to trust the server; nil without TLS.
func (s *Server) ClientTLS() *tls.Config {
	if s.tls == nil {
		return nil
	}
	return s.tls.Clone()
}

// Client is a client of its own, with its own connections, closed with the
// server.
func (s *Server) Client() *http.Client {
	tr := &http.Transport{DialContext: s.DialContext, TLSClientConfig: s.ClientTLS(), ForceAttemptHTTP2: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transports = append(s.transports, tr)
	return &http.Client{Transport: tr}
}

// Close ends the server and its hosts; the end of the test calls it.
func (s *Server) Close() {
	s.close.Do(func() {
		s.mu.Lock()
		for _, tr := range s.transports {
			tr.CloseIdleConnections()
		}
		s.mu.Unlock()
		_ = s.http.Close()
		_ = s.client.Close()
		_ = s.server.Close()
		_ = s.Wire.Close()
	})
}
