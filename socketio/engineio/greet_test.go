package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
)

// noting is a listener whose connections note what is written to them, write by
// write, or fail.
type noting struct {
	net.Listener
	broken error
	opts   *engineio.Options // of the server
	first  func()            // called by the first write; nil: nothing is

	mu     sync.Mutex
	writes [][]byte
}

func (l *noting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &notingConn{c, l}, err
}

type notingConn struct {
	net.Conn
	l *noting
}

func (c *notingConn) Write(p []byte) (int, error) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.writes = append(c.l.writes, bytes.Clone(p))
	if len(c.l.writes) == 1 && c.l.first != nil {
		c.l.first()
	}
	if c.l.broken != nil {
		return 0, c.l.broken
	}
	return c.Conn.Write(p)
}

// asking has a server behind l, and asks it for a WebSocket.
func asking(t *testing.T, l *noting, accept func(*engineio.Session) engineio.Handler) (*engineio.Server, net.Conn) {
	t.Helper()
	var err error
	l.Listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := engineio.NewServer(l.opts, accept)
	hs := &http.Server{Handler: srv}
	go hs.Serve(l)
	t.Cleanup(func() { hs.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = c.Write([]byte("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: server\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	require.NoError(t, err)
	return srv, c
}

type unheard struct{}

func (unheard) Message(engineio.Message)      {}
func (unheard) Closed(engineio.Reason, error) {}

// The open packet leaves with the response that opens the WebSocket, in one write.
func TestOpenPacketLeavesWithTheResponse(t *testing.T) {
	l := &noting{}
	accepted := make(chan bool, 1)
	srv, c := asking(t, l, func(*engineio.Session) engineio.Handler { accepted <- true; return unheard{} })
	first := make([]byte, 4096)
	n, err := c.Read(first)
	require.NoError(t, err)
	first = first[:n]
	require.True(t, bytes.HasPrefix(first, []byte("HTTP/1.1 101 ")), "%q", first)
	require.Contains(t, string(first), "\r\n\r\n\x81")
	require.Contains(t, string(first), `0{"sid":"`)
	l.mu.Lock()
	require.Len(t, l.writes, 1)
	l.mu.Unlock()
	wait(t, "the session", accepted)
	require.NoError(t, c.Close())
	require.NoError(t, srv.Close(t.Context()))
}

// Where the response cannot be written there was no session: the program hears of
// none, and nothing is left of it.
func TestResponseThatCannotBeWrittenOpensNothing(t *testing.T) {
	l := &noting{broken: errors.New("the cable is cut")}
	srv, c := asking(t, l, func(*engineio.Session) engineio.Handler { t.Error("a session"); return unheard{} })
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, srv.Close(t.Context()))
	require.Zero(t, srv.Len())
	require.Len(t, l.writes, 1)
}

// A server that closes while the response leaves closes the session with it, which
// has a carrier by then, as it closes others: by a close frame.
func TestServerClosesWhileTheResponseLeaves(t *testing.T) {
	var srv *engineio.Server
	made := make(chan bool)
	closed := make(chan error, 1)
	l := &noting{first: func() {
		<-made
		go func() { closed <- srv.Close(context.Background()) }()
		for srv.Len() > 0 {
			runtime.Gosched()
		}
	}}
	srv, c := asking(t, l, func(*engineio.Session) engineio.Handler { return unheard{} })
	close(made)
	endsWith(t, c, "\x88\x02\x03\xe9") // 1001: it goes away
	require.NoError(t, wait(t, "the server's end", closed))
}

// A session that the program closes as soon as it has it closes by a close frame
// too, behind what was sent.
func TestClosedWhileAccepted(t *testing.T) {
	for range 20 {
		srv, c := asking(t, &noting{}, func(s *engineio.Session) engineio.Handler {
			_ = s.Send(engineio.TextMessage([]byte("no")))
			s.Close()
			return unheard{}
		})
		endsWith(t, c, "\x81\x034no\x88\x02\x03\xe8") // 1000
		require.NoError(t, srv.Close(t.Context()))
	}
}

// endsWith reads what a server says, which is these bytes at last, and closes.
func endsWith(t *testing.T, c net.Conn, last string) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	var all []byte
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(all, []byte(last)) {
		n, err := c.Read(buf)
		all = append(all, buf[:n]...)
		require.NoError(t, err, "%q", all)
	}
	require.NoError(t, c.Close())
}

// A function of the program's that panics while a session opens leaves neither the
// session nor its connection, and nothing that the server's end would wait for.
func TestPanicsWhileOpening(t *testing.T) {
	aborts := func() { panic(http.ErrAbortHandler) } // which is not logged
	for name, l := range map[string]*noting{
		"id":     {opts: &engineio.Options{GenerateID: func(*http.Request) (string, error) { aborts(); return "", nil }}},
		"accept": {},
	} {
		t.Run(name, func(t *testing.T) {
			srv, c := asking(t, l, func(*engineio.Session) engineio.Handler { aborts(); return nil })
			require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
			_, err := io.Copy(io.Discard, c)
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			_, err = http.Get("http://" + l.Addr().String() + "/engine.io/?EIO=4&transport=polling")
			require.Error(t, err)
			require.Zero(t, srv.Len())
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			require.NoError(t, srv.Close(ctx))
		})
	}
}
