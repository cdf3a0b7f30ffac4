package webtransport_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	wt "github.com/quic-go/webtransport-go"
	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
	"strata/socketio/webtransport"
)

// patience bounds every wait of these tests for what has to happen.
const patience = 10 * time.Second

var all = []engineio.Transport{engineio.Polling, engineio.WebSocket, engineio.WebTransport}

// site is a server for every transport: HTTPS, and WebTransport on the UDP port
// of the same number.
type site struct {
	io   *socketio.Server
	quic *webtransport.Server
	url  string
	tls  *tls.Config // a client's
}

// certificate is for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, pool
}

// onLoopback serves on the kernel's sockets.
func onLoopback(t *testing.T, opts socketio.Options) *site {
	cert, pool := certificate(t)
	opts.Transports = all
	s := &site{io: socketio.NewServer(&opts), tls: &tls.Config{RootCAs: pool}}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	udp, err := net.ListenPacket("udp", ln.Addr().String())
	require.NoError(t, err)
	s.url = "https://" + ln.Addr().String() + "/"
	hs := &http.Server{Handler: s.io, TLSConfig: conf.Clone()}
	go hs.ServeTLS(ln, "", "")
	s.quic = webtransport.NewServer(s.io.Engine(), &webtransport.Options{TLSConfig: conf, Path: "/socket.io"})
	served := make(chan error, 1)
	go func() { served <- s.quic.Serve(udp) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, s.io.Close(ctx))
		require.NoError(t, s.quic.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		hs.Close()
		udp.Close()
	})
	return s
}

func (s *site) options(transports ...engineio.Transport) *client.Options {
	dialer := &webtransport.Dialer{TLSConfig: s.tls}
	return &client.Options{Transports: transports, TLSConfig: s.tls, DialWebTransport: dialer.Dial, ReconnectionDelay: 10 * time.Millisecond}
}

// handlers are what the stories ask for.
func handlers(io *socketio.Server, transports chan<- engineio.Transport) {
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(text string, b []byte) (string, []byte) { return text, b })
		s.On("transport", func() string { return string(s.Transport()) })
		s.On("secure", func() bool { return s.Handshake().Secure })
		s.On("kick", func() { s.Disconnect(true) })
		s.OnDisconnect(func(string) { transports <- s.Transport() })
	})
}

func ask(t *testing.T, ctx context.Context, c *client.Socket, event string, args []any, into ...any) {
	t.Helper()
	answer, err := c.EmitWithAck(ctx, event, args...)
	require.NoError(t, err)
	require.NoError(t, answer.Decode(into...))
}

// conversation is text and binary of all sizes, both ways: the header of 1, 3 and
// 9 bytes, and a binary message of none, which no header can say.
func conversation(t *testing.T, ctx context.Context, c *client.Socket, largest int) {
	t.Helper()
	for _, size := range []int{0, 1, 90, 126, 200, largest} {
		text, data := string(bytes.Repeat([]byte("ü"), size/2)), bytes.Repeat([]byte{7}, size)
		var textBack string
		var dataBack []byte
		ask(t, ctx, c, "echo", []any{text, data}, &textBack, &dataBack)
		require.Equal(t, text, textBack)
		require.Len(t, dataBack, size)
	}
}

// A session that opens over WebTransport, and one that changes to it: over the
// kernel's sockets.
func TestSessionsOverTheKernel(t *testing.T) {
	ended := make(chan engineio.Transport, 10)
	s := onLoopback(t, socketio.Options{})
	handlers(s.io, ended)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	c, err := client.Dial(ctx, s.url, s.options(engineio.WebTransport))
	require.NoError(t, err)
	require.Equal(t, engineio.WebTransport, c.Manager().Engine().Transport())
	conversation(t, ctx, c, 300_000)
	var transport string
	ask(t, ctx, c, "transport", nil, &transport)
	require.Equal(t, "webtransport", transport)
	var secure bool
	ask(t, ctx, c, "secure", nil, &secure)
	require.True(t, secure)
	require.NoError(t, c.Close())
	require.Equal(t, engineio.WebTransport, <-ended)

	c, err = client.Dial(ctx, s.url, s.options(all...))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.Manager().Engine().Transport() == engineio.WebTransport }, patience, time.Millisecond)
	conversation(t, ctx, c, 300_000)
	reasons := make(chan string, 1)
	c.OnDisconnect(func(reason string) { reasons <- reason })
	require.NoError(t, c.Emit("kick"))
	require.Equal(t, client.ReasonServerDisconnect, <-reasons)
	require.NoError(t, c.Close())
	require.Equal(t, engineio.WebTransport, <-ended)
}

// Where UDP does not get through the session changes to a WebSocket instead.
func TestNoUDP(t *testing.T) {
	s := onLoopback(t, socketio.Options{})
	opts := s.options(all...)
	opts.DialWebTransport = (&webtransport.Dialer{TLSConfig: s.tls, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:9") // nobody is there
	}}).Dial
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, s.url, opts)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.Manager().Engine().Transport() == engineio.WebSocket }, patience, time.Millisecond)
	require.NoError(t, c.Close())
}

func notToday(r *http.Request) error {
	if r.Header.Get("Day") == "today" {
		return errors.New("not today")
	}
	return nil
}

// What is refused, and what ends a stream that does not begin as it has to.
func TestStreamsThatAreRefused(t *testing.T) {
	s := onLoopback(t, socketio.Options{UpgradeTimeout: 100 * time.Millisecond, AllowRequest: notToday, MaxPayload: 1000})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status := func(query string, header http.Header) int {
		resp, session, err := (&wt.Transport{TLSClientConfig: s.tls}).Dial(ctx, s.url+"socket.io/?"+query, header)
		if err == nil {
			require.NoError(t, session.CloseWithError(0, ""))
			return 200
		}
		require.NotNil(t, resp, err)
		return resp.StatusCode
	}
	const good = "EIO=4&transport=webtransport"
	require.Equal(t, 400, status("EIO=4&transport=websocket", nil))
	require.Equal(t, 400, status("EIO=3&transport=webtransport", nil))
	require.Equal(t, 400, status(good+"&sid=none", nil))
	require.Equal(t, 400, status(good, http.Header{"Origin": {"https://evil.example"}}))
	require.Equal(t, 200, status(good, http.Header{"Origin": {s.url[:len(s.url)-1]}}))
	require.Equal(t, 403, status(good, http.Header{"Day": {"today"}}))

	for name, said := range map[string]string{
		"nothing": "", "a message": "\x024x", "a binary packet": "\x81\x00", "a length of none": "\x00", "a session that is not the query's": "\x0c0{\"sid\":\"x\"}",
		"an endless packet": "\x7f\xff\xff\xff\xff\xff\xff\xff\xff0", "half a header": "\x7e\x00", "a message that is too large": "\x010\x7e\x07\xd04",
	} {
		t.Run(name, func(t *testing.T) {
			_, session, err := (&wt.Transport{TLSClientConfig: s.tls}).Dial(ctx, s.url+"socket.io/?"+good, nil)
			require.NoError(t, err)
			stream, err := session.OpenStreamSync(ctx)
			require.NoError(t, err)
			_, err = stream.Write([]byte(said))
			require.NoError(t, err)
			select {
			case <-session.Context().Done():
			case <-ctx.Done():
				require.FailNow(t, "the session goes on")
			}
		})
	}
	require.Eventually(t, func() bool { return s.io.Clients() == 0 }, patience, time.Millisecond)
}

// All of it in virtual time, over our own UDP: a session opens over WebTransport,
// through loss, and survives it; when the network is cut, it is found out by the
// heartbeat, and the client comes back.
func TestSessionsInAWorld(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 20ms loss 3%"))
		io := socketio.NewServer(&socketio.Options{Transports: all, PingInterval: 2 * time.Second, PingTimeout: time.Second})
		ended := make(chan engineio.Transport, 10)
		handlers(io, ended)
		quic := webtransport.NewServer(io.Engine(), &webtransport.Options{TLSConfig: w.TLSConfig(server), Path: "/socket.io"})
		udp := server.ListenPacket(":443")
		served := make(chan error, 1)
		w.Go(func() { served <- quic.Serve(udp) })

		dialer := &webtransport.Dialer{TLSConfig: w.TLSConfig(phone), DialContext: phone.DialContext}
		c, err := client.Dial(w.Context(), "https://server/", &client.Options{Transports: []engineio.Transport{engineio.WebTransport}, DialWebTransport: dialer.Dial})
		require.NoError(t, err)
		conversation(t, w.Context(), c, 70_000)
		back := make(chan bool, 1)
		c.OnConnect(func() { back <- true })
		p := w.Partition(phone)
		require.Equal(t, engineio.WebTransport, <-ended)
		w.Sleep(2 * time.Second)
		p.Heal()
		<-back
		conversation(t, w.Context(), c, 70_000)
		require.NoError(t, c.Close())
		require.NoError(t, io.Close(w.Context()))
		require.NoError(t, quic.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		require.NoError(t, udp.Close())
	})
}

// CVE-2026-21438: streams that were closed were never freed. Sessions that come
// and go over one QUIC connection leave nothing: with anything left of the first
// 16 there would be no seventeenth. And streams that nobody asked for are as many.
func TestCVE_2026_21438_ClosedStreamsAreFreed(t *testing.T) {
	s := onLoopback(t, socketio.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conf := s.tls.Clone()
	conf.NextProtos = []string{"h3"}
	qc, err := quic.DialAddr(ctx, strings.TrimSuffix(strings.TrimPrefix(s.url, "https://"), "/"), conf,
		&quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	require.NoError(t, err)
	cc, err := (&wt.Transport{}).NewClientConn(qc)
	require.NoError(t, err)
	try := func() (*wt.Session, error) {
		_, session, err := cc.Dial(ctx, s.url+"socket.io/?EIO=4&transport=webtransport", nil)
		if err != nil {
			return nil, err
		}
		stream, err := session.OpenStreamSync(ctx)
		if err != nil {
			return nil, err
		}
		if _, err = stream.Write([]byte("\x010")); err != nil {
			return nil, err
		}
		_, err = stream.Read(make([]byte, 1))
		return session, err
	}
	open := func() (session *wt.Session) {
		require.Eventually(t, func() bool { // there is one at a time: the last has to be gone first
			var err error
			session, err = try()
			return err == nil
		}, patience, time.Millisecond)
		return session
	}
	for range 100 {
		session := open()
		require.NoError(t, session.CloseWithError(0, ""))
	}
	session := open()
	more := 0
	for ; more < 100; more++ {
		if _, err := session.OpenStream(); err != nil {
			break
		}
	}
	require.Less(t, more, 16)
	require.NoError(t, qc.CloseWithError(0, ""))
	require.Eventually(t, func() bool { return s.io.Clients() == 0 }, patience, time.Millisecond)
}
