//lint:file-ignore SA1019 net/http's transport refuses the header :protocol, so this one is not replaced yet

package ws

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/nettest"
)

// streamPairs makes pairs of ends of HTTP/2 streams, all of one connection: a is
// the server's.
func streamPairs(t testing.TB) (pair func(testing.TB) (a, b net.Conn)) {
	if !strings.Contains(os.Getenv("GODEBUG"), extendedConnect) {
		t.Skip("needs GODEBUG=" + extendedConnect)
	}
	accepted := make(chan *Conn)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, nil)
		if err == nil {
			accepted <- c
			<-c.Done()
		}
	}))
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1000}
	srv.Start()
	transport := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return func(t testing.TB) (a, b net.Conn) {
		dialled := make(chan *Conn, 1)
		go func() {
			c, _, _ := Dial(context.Background(), strings.Replace(srv.URL, "http", "ws", 1), &DialOptions{HTTP2: transport})
			dialled <- c
		}()
		server, client := <-accepted, <-dialled
		require.NotNil(t, client)
		t.Cleanup(func() { server.CloseNow(); client.CloseNow() })
		return server.NetConn(), client.NetConn()
	}
}

// The table over HTTP/2: server and client, in both modes. One after the other:
// the pair that is accepted is the one that was dialled.
func TestConformanceOverHTTP2(t *testing.T) {
	pair := streamPairs(t)
	for _, client := range []bool{false, true} {
		swapped := pair
		if client {
			swapped = func(t testing.TB) (a, b net.Conn) { b, a = pair(t); return a, b }
		}
		for _, s := range append(conformance(), conformanceOfDeflate(t)...) {
			t.Run(fmt.Sprintf("client %v/%s", client, s.name), func(t *testing.T) {
				s.run(t, swapped, client, 0)
				s.runWith(t, swapped, client, 0, handled)
			})
		}
	}
}

// A stream is a net.Conn as the standard library's test of them wants it.
func TestHTTP2StreamIsANetConn(t *testing.T) {
	t.Parallel()
	pair := streamPairs(t)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := pair(t)
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}
