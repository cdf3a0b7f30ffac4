package names_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/names"
	"strata/stack"
	"strata/tcp"
	"strata/udp"
)

// zone is a table for strata.test.
func zone(t testing.TB) *names.Table {
	t.Helper()
	table := &names.Table{}
	require.NoError(t, table.Add("strata.test", two, two6))
	require.NoError(t, table.Add("*.strata.test", two, two6))
	require.NoError(t, table.Add("four.strata.test", netip.MustParseAddr("10.77.0.4")))
	for i, a := 0, netip.MustParseAddr("10.78.0.1"); i < 200; i, a = i+1, a.Next() {
		require.NoError(t, table.Add("many.strata.test", a))
	}
	return table
}

// serve serves strata.test on all of these until the test ends, and sees to it
// that every Serve call then says why it ended.
func serve(t testing.TB, c names.ServerConfig, on ...io.Closer) *names.Server {
	t.Helper()
	c.Zone = "strata.test"
	if c.Table == nil {
		c.Table = zone(t)
	}
	s, err := names.NewServer(c)
	require.NoError(t, err)
	ended := make(chan error, len(on))
	for _, o := range on {
		switch o := o.(type) {
		case net.PacketConn:
			go func() { ended <- s.ServePacket(o) }()
		case net.Listener:
			go func() { ended <- s.ServeListener(o) }()
		}
	}
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		for range on {
			require.ErrorIs(t, <-ended, names.ErrServerClosed)
		}
	})
	return s
}

// kernelSockets are a packet connection and a listener on one port of the
// kernel's loopback.
func kernelSockets(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 { // the port that UDP got may be taken for TCP
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(t, err)
		l, err := net.Listen("tcp4", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		require.NoError(t, pc.Close())
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

func ask(t *testing.T, c *dns.Conn, name string, qtype uint16) *dns.Msg {
	t.Helper()
	require.NoError(t, c.WriteMsg(new(dns.Msg).SetQuestion(name, qtype)))
	r, err := c.ReadMsg()
	require.NoError(t, err)
	return r
}

// Several questions on one connection, also all at once, are answered in order.
// Then the client's end is the connection's.
func TestQueriesOverOneConnection(t *testing.T) {
	_, l := kernelSockets(t)
	serve(t, names.ServerConfig{}, l)
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	c := &dns.Conn{Conn: conn}
	require.Len(t, ask(t, c, "strata.test.", dns.TypeA).Answer, 1)
	require.Len(t, ask(t, c, "many.strata.test.", dns.TypeA).Answer, 200)

	questions := []string{"one.strata.test.", "two.strata.test.", "three.strata.test."}
	var pipeline []byte
	for _, name := range questions {
		packed, err := new(dns.Msg).SetQuestion(name, dns.TypeAAAA).Pack()
		require.NoError(t, err)
		pipeline = append(binary.BigEndian.AppendUint16(pipeline, uint16(len(packed))), packed...)
	}
	_, err = conn.Write(pipeline)
	require.NoError(t, err)
	for _, name := range questions {
		r, err := c.ReadMsg()
		require.NoError(t, err)
		require.Equal(t, name, r.Question[0].Name)
		require.Len(t, r.Answer, 1)
	}
}

// What cannot be a query ends the connection without an answer.
func TestNonsenseEndsTheConnection(t *testing.T) {
	_, l := kernelSockets(t)
	serve(t, names.ServerConfig{}, l)
	for about, nonsense := range map[string][]byte{
		"too long":  {0xff, 0xff, 'x'},
		"too short": {0, 0},
		"an answer": {0, 12, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = conn.Write(nonsense)
		require.NoError(t, err)
		n, err := conn.Read(make([]byte, 100))
		require.Zero(t, n, about)
		// The kernel resets where something was left unread.
		require.False(t, err == nil || errors.Is(err, context.DeadlineExceeded), "%s: %v", about, err)
		require.NoError(t, conn.Close())
	}
}

// One connection more than there may be closes the one that has been silent
// longest; not the oldest, if that has asked something since.
func TestConnectionsAreBounded(t *testing.T) {
	_, l := kernelSockets(t)
	serve(t, names.ServerConfig{MaxConns: 2}, l)
	dial := func() *dns.Conn {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		c := &dns.Conn{Conn: conn}
		require.Len(t, ask(t, c, "strata.test.", dns.TypeA).Answer, 1)
		return c
	}
	first, second := dial(), dial()
	ask(t, first, "strata.test.", dns.TypeA)
	third := dial()
	_, err := second.Read(make([]byte, 10))
	require.ErrorIs(t, err, io.EOF)
	ask(t, third, "strata.test.", dns.TypeA)
	ask(t, first, "strata.test.", dns.TypeA)
}

// A client that says nothing, or says it a byte at a time, is let go after the
// idle time; the time is the loop's, so the test takes none.
func TestSilenceEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		s, err := names.NewServer(names.ServerConfig{Zone: "strata.test", Table: zone(t), IdleTimeout: 10 * time.Second})
		require.NoError(t, err)
		ended := make(chan error)
		go func() { ended <- s.ServeListener(l) }()

		start := time.Now()
		silent := l.dial()
		_, err = silent.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 10*time.Second, time.Since(start))

		start = time.Now()
		slow := l.dial()
		err = nil
		for i := 0; err == nil; i++ {
			_, err = slow.Write([]byte{0, 100, 0, 0, 0, 0, 0, 0}[i : i+1])
			time.Sleep(3 * time.Second)
		}
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.Less(t, time.Since(start), 20*time.Second, "single bytes do not renew the time")

		// Close does not wait for those that are silent.
		start = time.Now()
		third := l.dial()
		synctest.Wait()
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "closing twice is fine")
		require.Zero(t, time.Since(start))
		require.ErrorIs(t, <-ended, names.ErrServerClosed)
		_, err = third.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.ErrorIs(t, s.ServeListener(newPipeListener()), names.ErrServerClosed)
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(t, err)
		require.ErrorIs(t, s.ServePacket(pc), names.ErrServerClosed)
		require.ErrorIs(t, pc.Close(), net.ErrClosed, "it was closed")
	})
}

// pipeListener accepts what is dialled at it, in memory. Accept fails now and
// then, as with too many open files.
type pipeListener struct {
	conns    chan net.Conn
	closed   chan struct{}
	failures atomic.Int32 // to come
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, errors.New("too many open files")
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// A failure to accept is no end: the server waits a while, longer each time,
// and tries again.
func TestAcceptIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		l.failures.Store(10)
		var said atomic.Int32
		s, err := names.NewServer(names.ServerConfig{Zone: "strata.test", Table: zone(t), Logf: func(string, ...any) { said.Add(1) }})
		require.NoError(t, err)
		ended := make(chan error)
		go func() { ended <- s.ServeListener(l) }()
		start := time.Now()
		c := l.dial()
		// 5 ms, doubled up to 1 s: 5+10+20+40+80+160+320+640+1000+1000.
		require.Equal(t, 3275*time.Millisecond, time.Since(start))
		require.EqualValues(t, 10, said.Load())
		require.Len(t, ask(t, &dns.Conn{Conn: c}, "strata.test.", dns.TypeA).Answer, 1)
		require.NoError(t, c.Close())

		// Close ends such a wait as well.
		l.failures.Store(1000)
		c = l.dial()
		synctest.Wait()
		start = time.Now()
		require.NoError(t, s.Close())
		require.Zero(t, time.Since(start))
		require.ErrorIs(t, <-ended, names.ErrServerClosed)
		require.NoError(t, c.Close())
	})
}

// Who closes the socket behind the server's back is told so.
func TestServeSaysWhyItEnded(t *testing.T) {
	pc, l := kernelSockets(t)
	s, err := names.NewServer(names.ServerConfig{Zone: "strata.test", Table: zone(t)})
	require.NoError(t, err)
	require.NoError(t, pc.Close())
	require.NoError(t, l.Close())
	err = s.ServePacket(pc)
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorContains(t, err, "name server for strata.test: ")
	require.ErrorIs(t, s.ServeListener(l), net.ErrClosed)
	require.NoError(t, s.Close())
}

func TestServerConfig(t *testing.T) {
	for zone, why := range map[string]string{
		"":        `name server: zone "": it is empty`,
		"a..test": `name server: zone "a..test": a label of it is empty`,
		"a.test":  `name server: zone "a.test": no Table was given`,
	} {
		_, err := names.NewServer(names.ServerConfig{Zone: zone})
		require.EqualError(t, err, why)
	}
}

// world is a client and a server on a wire; the server answers for strata.test
// on port 53, and the client asks it.
type world struct {
	client, server *stack.Host
	wire           *link.Wire
	udp            *udp.Conn
	tcp            *tcp.Listener
}

var atServer = netip.MustParseAddrPort("10.77.0.2:53")

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{wire: link.NewWire(link.WireConfig{})}
	w.client = stack.New(stack.Config{Name: "client"})
	w.server = stack.New(stack.Config{Name: "server"})
	t.Cleanup(func() {
		require.NoError(t, errors.Join(w.client.Close(), w.server.Close(), w.wire.Close()))
	})
	_, err := w.client.Attach(w.wire.A(), netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fd77::1/64"))
	require.NoError(t, err)
	_, err = w.server.Attach(w.wire.B(), netip.MustParsePrefix("10.77.0.2/24"), netip.MustParsePrefix("fd77::2/64"))
	require.NoError(t, err)
	w.udp, err = udp.Listen(w.server, "udp", ":53")
	require.NoError(t, err)
	w.tcp, err = tcp.Listen(w.server, "tcp", ":53")
	require.NoError(t, err)
	return w
}

// dialFrom is how a resolver on a host of ours reaches its servers.
func dialFrom(h *stack.Host) func(context.Context, string, string) (net.Conn, error) {
	overUDP, overTCP := &udp.Dialer{Host: h}, &tcp.Dialer{Host: h}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "udp" {
			return overUDP.DialContext(ctx, network, address)
		}
		return overTCP.DialContext(ctx, network, address)
	}
}

// Our resolver asks our server over our TCP/IP: names, wildcards, the way back,
// what does not exist; and, where the answer does not fit into a datagram, over
// TCP.
func TestResolverAsksServer(t *testing.T) {
	w := newWorld(t)
	serve(t, names.ServerConfig{Loop: w.server.Loop()}, w.udp, w.tcp)
	dialled := map[string]*atomic.Int32{"udp": {}, "tcp": {}}
	r, err := names.NewResolver(names.ResolverConfig{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled[network].Add(1)
			return dialFrom(w.client)(ctx, network, address)
		},
		Servers: []netip.AddrPort{atServer}, Loop: w.client.Loop(), Rand: w.client.Rand(),
	})
	require.NoError(t, err)
	ctx := t.Context()

	addrs, err := r.LookupNetIP(ctx, "ip", "www.Strata.test.")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{two6, two}, addrs)
	addrs, err = r.LookupNetIP(ctx, "ip", "four.strata.test")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("10.77.0.4")}, addrs)
	addrs, err = r.LookupNetIP(ctx, "ip4", "many.strata.test")
	require.NoError(t, err)
	require.Len(t, addrs, 200)
	require.EqualValues(t, 1, dialled["tcp"].Load(), "it did not fit into a datagram")

	found, err := r.LookupAddr(ctx, "10.77.0.2")
	require.NoError(t, err)
	require.Equal(t, []string{"strata.test."}, found)

	var e *net.DNSError
	_, err = r.LookupNetIP(ctx, "ip", "no.four.strata.test")
	require.ErrorAs(t, err, &e)
	require.Equal(t, &net.DNSError{Err: "no such host", Name: "no.four.strata.test", Server: "10.77.0.2:53", IsNotFound: true}, e)
	_, err = r.LookupNetIP(ctx, "ip6", "four.strata.test")
	require.ErrorAs(t, err, &e)
	require.True(t, e.IsNotFound)
	_, err = r.LookupNetIP(ctx, "ip", "example.com")
	require.ErrorAs(t, err, &e)
	require.False(t, e.IsNotFound, "somebody else may know it")
	require.True(t, e.IsTemporary)
	require.EqualError(t, err, "lookup example.com on 10.77.0.2:53: server misbehaving: REFUSED")

	// What was asked is asked again without a packet.
	before := w.wire.AB().Counters().Packets
	addrs, err = r.LookupNetIP(ctx, "ip", "WWW.strata.test")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{two6, two}, addrs)
	_, err = r.LookupNetIP(ctx, "ip6", "four.strata.test")
	require.ErrorAs(t, err, &e)
	require.True(t, e.IsNotFound)
	require.Equal(t, before, w.wire.AB().Counters().Packets)

	// And it is what the dialers want.
	w.client.SetResolver(r)
	c, err := (&udp.Dialer{Host: w.client}).DialContext(ctx, "udp4", "dns.strata.test:53")
	require.NoError(t, err)
	defer c.Close()
	require.Equal(t, "10.77.0.2:53", c.RemoteAddr().String())
}

// kernelDial reaches one server by the kernel's sockets, whatever address is
// asked for.
func kernelDial(server string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}
}
