package tcp_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// connect is a connection and both its ends.
func connect(t testing.TB, client *stack.Host, ln *tcp.Listener) (c, s *tcp.Conn) {
	t.Helper()
	conn, err := (&tcp.Dialer{Host: client}).Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	s, err = ln.AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(); s.Close() })
	return conn.(*tcp.Conn), s
}

func TestHandshakeIsSeenFromBothSides(t *testing.T) {
	c, s, _ := connected(t, link.WireConfig{})

	ch, sh := c.Handshake(), s.Handshake()
	require.True(t, ch.Active)
	require.False(t, sh.Active)
	require.Equal(t, ch.LocalISN, sh.RemoteISN)
	require.Equal(t, ch.RemoteISN, sh.LocalISN)
	require.NotEqual(t, ch.LocalISN, ch.RemoteISN)
	require.EqualValues(t, 1460, ch.Remote.MSS, "1500 bytes less two headers of 20")
	require.True(t, ch.Remote.SACKPermitted && sh.Remote.SACKPermitted)
	require.NotNil(t, sh.Remote.WindowScale)
	require.Less(t, ch.SYN, ch.SYNACK, "the client's clock saw them in order")
	for _, h := range []tcp.Handshake{ch, sh} {
		require.False(t, h.SYN.IsZero() || h.SYNACK.IsZero() || h.ACK.IsZero(), h.String())
		require.False(t, h.SYNACK.Before(h.SYN) || h.ACK.Before(h.SYNACK), h.String())
		require.Contains(t, h.String(), "mss=1460")
	}
}

func TestInfoAndNetstat(t *testing.T) {
	client, server, _ := hosts(t, link.WireConfig{})
	ln, err := (&tcp.ListenConfig{Host: server, CongestionControl: "cubic"}).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	defer ln.Close()
	conn, err := (&tcp.Dialer{Host: client}).Dial("tcp", "10.0.0.2:80")
	require.NoError(t, err)
	c := conn.(*tcp.Conn)
	defer c.Close()
	s, err := ln.AcceptTCP()
	require.NoError(t, err)
	defer s.Close()

	const size = 100_000
	written := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, size))
		written <- err
	}()
	_, err = io.ReadFull(s, make([]byte, size))
	require.NoError(t, err)
	require.NoError(t, <-written) // all may be there before the Write has counted it
	_, err = s.Write([]byte("thanks"))
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 6))
	require.NoError(t, err)

	i := c.Info()
	require.Equal(t, "ESTABLISHED", i.State)
	require.EqualValues(t, size, i.BytesSent)
	require.EqualValues(t, 6, i.BytesReceived)
	require.Equal(t, 1460, i.MSS)
	require.True(t, i.SACK && i.Timestamps && i.WindowScaling)
	require.Positive(t, i.RTT)
	require.GreaterOrEqual(t, i.RTO, 200*time.Millisecond, "gVisor's least RTO")
	require.Positive(t, i.Cwnd)
	require.Equal(t, "reno", i.CongestionControl)
	require.Equal(t, "open", i.CongestionState)
	require.Equal(t, "cubic", s.Info().CongestionControl)

	table := tcp.Netstat(server)
	require.Len(t, table, 2, table)
	require.Equal(t, "LISTEN", table[0].State)
	require.Equal(t, s.Flow(), table[1].Flow)
	require.EqualValues(t, size, table[1].BytesReceived)
	text := table.String()
	require.Contains(t, text, "*:80")
	require.Contains(t, text, c.LocalAddr().String())
	require.Contains(t, text, "bytes_received:100000")

	// After both have closed, who closed first keeps TIME-WAIT.
	require.NoError(t, c.Close())
	_, err = s.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, s.Close())
	require.Eventually(t, func() bool {
		all := tcp.Netstat(client)
		return len(all) == 1 && all[0].State == "TIME-WAIT"
	}, 10*time.Second, time.Millisecond, "%v", tcp.Netstat(client))
}

func TestAdmit(t *testing.T) {
	client, server, _ := hosts(t, link.WireConfig{})
	var mu sync.Mutex
	verdict, asked := tcp.Accept, 0
	ln, err := (&tcp.ListenConfig{Host: server, Admit: func(syn tcp.SYN) tcp.Verdict {
		mu.Lock()
		defer mu.Unlock()
		asked++
		require.Equal(t, netip.MustParseAddrPort("10.0.0.2:80"), syn.Flow.Local)
		require.Equal(t, netip.MustParseAddr("10.0.0.1"), syn.Flow.Remote.Addr())
		require.EqualValues(t, 1460, syn.Options.MSS)
		return verdict
	}}).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	other, err := tcp.Listen(server, "tcp", ":81") // not asked for
	require.NoError(t, err)
	defer other.Close()
	decide := func(v tcp.Verdict) { mu.Lock(); defer mu.Unlock(); verdict = v }
	dialer := &tcp.Dialer{Host: client}

	c, err := dialer.Dial("tcp", "10.0.0.2:80")
	require.NoError(t, err)
	require.NoError(t, c.Close())

	decide(tcp.Reset)
	_, err = dialer.Dial("tcp", "10.0.0.2:80")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	// A dropped SYN is sent again after a second, and may be let in then.
	decide(tcp.Drop)
	dialled := make(chan error, 1)
	go func() {
		c, err := dialer.Dial("tcp", "10.0.0.2:80")
		if err == nil {
			c.Close()
		}
		dialled <- err
	}()
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return asked == 3 }, 10*time.Second, time.Millisecond)
	decide(tcp.Accept)
	require.NoError(t, <-dialled)
	require.Equal(t, 4, asked, "three dials, and one SYN twice")

	require.NoError(t, ln.Close())
	_, err = dialer.Dial("tcp", "10.0.0.2:80")
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "a closed listener decides nothing")
	require.Equal(t, 4, asked)
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	client, _, _ := hosts(t, link.WireConfig{})
	// Nobody has this address: the SYN is lost.
	_, err := (&tcp.Dialer{Host: client, Timeout: time.Millisecond}).Dial("tcp", "10.0.0.99:80")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.EqualError(t, err, "dial tcp 10.0.0.99:80: i/o timeout")
	require.Empty(t, tcp.Netstat(client), "nothing is left of it")

	_, err = (&tcp.Dialer{Host: client}).Dial("tcp", "203.0.113.1:80")
	require.ErrorIs(t, err, syscall.ENETUNREACH)
	_, err = (&tcp.Dialer{Host: client}).Dial("tcp", "server:80")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
	require.True(t, dns.IsNotFound)
	_, err = (&tcp.Dialer{Host: client}).Dial("udp", "10.0.0.2:80")
	require.ErrorAs(t, err, new(net.UnknownNetworkError))
}

type table map[string]netip.Addr

func (t table) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := t[host]; ok {
		// The first address is dead, the second answers.
		return []netip.Addr{netip.MustParseAddr("203.0.113.1"), a}, nil
	}
	return nil, &net.DNSError{Name: host, IsNotFound: true}
}

// What stands on net.Conn runs unchanged: net/http with and without TLS, and
// HTTP/2; names are resolved by the host.
func TestHTTPServerAndClient(t *testing.T) {
	client, server, _ := hosts(t, link.WireConfig{})
	client.SetResolver(table{"server": netip.MustParseAddr("10.0.0.2")})
	for _, proto := range []string{"HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			ln, err := tcp.Listen(server, "tcp", ":80")
			require.NoError(t, err)
			// The certificates of httptest, on a listener of ours.
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				fmt.Fprintf(w, "%s %s", r.Proto, strings.Repeat("x", 1<<20))
			}))
			srv.Listener.Close()
			srv.Listener = ln
			url := "http://server/"
			tr := &http.Transport{DialContext: (&tcp.Dialer{Host: client}).DialContext}
			if proto == "HTTP/1.1" {
				srv.Start()
			} else {
				srv.EnableHTTP2 = proto == "HTTP/2.0"
				srv.StartTLS()
				roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
				tr.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com"}
				tr.ForceAttemptHTTP2 = srv.EnableHTTP2
				url = "https://server:80/"
			}
			defer srv.Close()
			defer tr.CloseIdleConnections()
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					resp, err := (&http.Client{Transport: tr}).Post(url, "text/plain", strings.NewReader(strings.Repeat("y", 300_000)))
					if !noError(t, err) {
						return
					}
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					if noError(t, err) && len(body) != 1<<20+len("HTTP/x.x ") || !strings.HasPrefix(string(body), proto[:8]) {
						t.Errorf("got %d bytes that begin %q", len(body), body[:min(10, len(body))])
					}
				})
			}
			wg.Wait()
		})
	}
}

func noError(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// Data arrives whole at every MTU, with super-packets and without.
func TestBulk(t *testing.T) {
	for _, wire := range []link.WireConfig{{}, {NoOffload: true}, {MTU: 576, NoOffload: true}, {MTU: 65535}, {MTU: 576}, {Ethernet: true}, {Ethernet: true, NoOffload: true}} {
		t.Run(fmt.Sprintf("%+v", wire), func(t *testing.T) {
			c, s, _ := connected(t, wire)
			const size = 8 << 20
			pattern := make([]byte, size)
			for i := range pattern {
				pattern[i] = byte(i>>16 ^ i>>8 ^ i*31)
			}
			go func() { c.Write(pattern); c.CloseWrite() }()
			got, err := io.ReadAll(s)
			require.NoError(t, err)
			require.True(t, string(pattern) == string(got), "%d bytes of %d, or others", len(got), size)
		})
	}
}

func TestConnectionEvents(t *testing.T) {
	var mu sync.Mutex
	var kinds []string
	rec := trace.RecorderFunc(func(e trace.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch w := e.What.(type) {
		case trace.Connection:
			kinds = append(kinds, w.State)
		case trace.Segment:
			kinds = append(kinds, e.Dir.String()+" "+w.Flags.String())
		}
	})
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	client, server := stack.New(stack.Config{}), stack.New(stack.Config{Name: "server", Recorder: rec})
	defer client.Close()
	defer server.Close()
	client.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24"))
	server.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24"))
	ln, err := tcp.Listen(server, "tcp", "10.0.0.2:80")
	require.NoError(t, err)
	defer ln.Close()
	_, s := connect(t, client, ln)
	mu.Lock()
	require.Equal(t, []string{"in SYN", "out SYN-ACK", "in ACK", "ESTABLISHED"}, kinds)
	mu.Unlock()
	require.NoError(t, s.Close())
	mu.Lock()
	require.Contains(t, kinds, "CLOSED")
	mu.Unlock()
}
