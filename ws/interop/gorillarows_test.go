package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"strata/ws"
	"strata/ws/wsjson"
)

// Whatever the tables of docs/coming-from-gorilla.md say in code is here, but for
// blanks, and compiles: the left column in inGorilla, the right one in inOurs.
func TestComingFromGorillaCompiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/coming-from-gorilla.md")
	require.NoError(t, err)
	source, err := os.ReadFile("gorillarows_test.go")
	require.NoError(t, err)
	blanks := regexp.MustCompile(`[ \t]+`)
	_, rest, ok := strings.Cut(blanks.ReplaceAllString(string(source), " "), "\nfunc in"+"Gorilla(")
	require.True(t, ok)
	gorillas, ours, ok := strings.Cut(rest, "\nfunc in"+"Ours(")
	require.True(t, ok)
	rows := 0
	code := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || strings.HasPrefix(cells[1], "---") {
			continue
		}
		rows++
		for _, span := range code.FindAllStringSubmatch(cells[1], -1) {
			require.Contains(t, gorillas, span[1], "gorilla's, of %s", line)
		}
		for _, span := range code.FindAllStringSubmatch(cells[2], -1) {
			require.Contains(t, ours, span[1], "ours, of %s", line)
		}
	}
	require.Greater(t, rows, 30)
}

var (
	someTime = time.Now().Add(time.Minute)
	someDial = new(net.Dialer).DialContext
	someJar  http.CookieJar
	someTLS  *tls.Config
)

// use is what becomes of what nobody looks at.
func use(...any) {}

func inGorilla(c *websocket.Conn, m *websocket.PreparedMessage, err error, w http.ResponseWriter, r *http.Request, url string, p []byte, v any, header http.Header) {
	upgrader := websocket.Upgrader{
		CheckOrigin:       func(r *http.Request) bool { return true },
		Subprotocols:      []string{"chat"},
		EnableCompression: true,
		HandshakeTimeout:  10 * time.Second,
		ReadBufferSize:    1024, WriteBufferSize: 1024,
		WriteBufferPool: nil,
		Error:           func(w http.ResponseWriter, r *http.Request, status int, reason error) {},
	}
	use(upgrader.Upgrade(w, r, nil))
	use(upgrader.Upgrade(w, r, http.Header{"X-Room": {"1"}}))
	use(websocket.IsWebSocketUpgrade(r), websocket.Subprotocols(r), c.Subprotocol())

	dialer := websocket.Dialer{
		NetDialContext:    someDial,
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   someTLS,
		Jar:               someJar,
		EnableCompression: true,
	}
	use(websocket.DefaultDialer.DialContext(ctx, url, header))
	use(dialer.DialContext(ctx, url, header))

	use(c.ReadMessage())
	use(c.NextReader())
	use(c.WriteMessage(websocket.TextMessage, p))
	use(c.NextWriter(websocket.BinaryMessage))
	use(c.ReadJSON(&v), c.WriteJSON(v))
	use(websocket.JoinMessages(c, ""))
	use(websocket.NewPreparedMessage(websocket.TextMessage, p))
	use(c.WritePreparedMessage(m))
	c.SetReadLimit(1 << 20)
	c.SetReadDeadline(someTime)
	c.SetWriteDeadline(someTime)
	c.EnableWriteCompression(false)
	c.SetCompressionLevel(6)

	c.WriteControl(websocket.PingMessage, nil, someTime)
	c.SetPongHandler(func(string) error { return c.SetReadDeadline(time.Now().Add(40 * time.Second)) })
	c.SetPingHandler(func(payload string) error { return nil })
	c.SetCloseHandler(func(code int, text string) error { return nil })
	c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "bye"), someTime)
	c.Close()
	use(websocket.IsCloseError(err, websocket.CloseGoingAway))
	use(websocket.IsUnexpectedCloseError(err, websocket.CloseGoingAway))
	var ce *websocket.CloseError
	use(errors.As(err, &ce))
	use(errors.Is(err, websocket.ErrReadLimit))
	use(c.NetConn(), c.RemoteAddr())
}

func inOurs(c *ws.Conn, m *ws.PreparedMessage, err error, w http.ResponseWriter, r *http.Request, url string, p []byte, v any, header http.Header) {
	use(ws.Accept(w, r, nil))
	use(ws.Accept(w, r, &ws.AcceptOptions{
		OriginPatterns: []string{"*"},
		Subprotocols:   []string{"chat"},
		Compression:    &ws.Compression{Level: 6},
		ReadLimit:      1 << 20,
		WriteTimeout:   10 * time.Second,
		KeepAlive:      ws.KeepAlive{Interval: 30 * time.Second, Timeout: 10 * time.Second},
	}))
	w.Header().Set("X-Room", "1")
	use(c.Subprotocol())
	use(ws.UpgradeOptions{HandshakeTimeout: 10 * time.Second})
	use(ws.Compression{Threshold: 512})

	use(ws.Dial(ctx, url, &ws.DialOptions{Header: header}))
	use(ws.Dial(ctx, url, &ws.DialOptions{
		DialContext: someDial,
		Proxy:       http.ProxyFromEnvironment,
		TLSConfig:   someTLS,
		Jar:         someJar,
		Compression: &ws.Compression{},
	}))

	use(c.Read(ctx))
	use(c.ReadAppend(ctx, p[:0]))
	use(c.Reader(ctx))
	use(c.Write(ctx, ws.MessageText, p))
	use(c.Write(ctx, ws.MessageText+ws.Uncompressed, p))
	use(c.Writer(ctx, ws.MessageBinary))
	use(wsjson.Read(ctx, c, &v), wsjson.Write(ctx, c, v))
	use(ws.NewStream(c, ws.MessageText))
	use(ws.NewPreparedMessage(ws.MessageText, p))
	use(c.WritePrepared(ctx, m))
	c.SetReadLimit(1 << 20)
	ctx, cancel := context.WithDeadline(ctx, someTime)
	defer cancel()
	q := ws.NewQueue(c, ws.QueueOptions{Policy: ws.CloseSlow})
	use(q.Send(ctx, ws.MessageText, p, 0))

	use(c.Ping(ctx))
	h := &ws.Handler{
		OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) {},
		OnPing:    func(c *ws.Conn, payload []byte) {},
	}
	c.Handle(h)
	c.Close(ws.StatusNormalClosure, "bye")
	c.CloseNow()
	use(ws.CloseStatus(err) == ws.StatusGoingAway)
	var ce ws.CloseError
	use(errors.As(err, &ce))
	var pe *ws.ProtocolError
	use(errors.As(err, &pe) && pe.Code == ws.StatusMessageTooBig)
	use(c.NetConn(), c.RemoteAddr())
}

var _, _ = inGorilla, inOurs

// gorillaPair is both ends of a connection of gorilla's, ourPair of one of ours.
func gorillaPair(t *testing.T) (client *websocket.Conn, server *websocket.Conn) {
	accepted := make(chan *websocket.Conn, 1)
	url := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := new(websocket.Upgrader).Upgrade(w, r, nil); err == nil {
			accepted <- c
		}
	}))
	client, _, err := websocket.DefaultDialer.Dial(url, nil)
	require.NoError(t, err)
	server = <-accepted
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func ourPair(t *testing.T) (client *ws.Conn, server *ws.Conn) {
	accepted := make(chan *ws.Conn, 1)
	url := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := ws.Accept(w, r, nil); err == nil {
			accepted <- c
		}
	}))
	client, _, err := ws.Dial(ctx, url, nil)
	require.NoError(t, err)
	server = <-accepted
	t.Cleanup(func() { client.CloseNow(); server.CloseNow() })
	return client, server
}

// What docs/coming-from-gorilla.md says is different, in both.
func TestComingFromGorillaDiffers(t *testing.T) {
	t.Run("a read deadline that is exceeded", func(t *testing.T) {
		client, server := gorillaPair(t)
		client.SetReadDeadline(time.Now())
		_, _, err := client.ReadMessage()
		var ne net.Error
		require.ErrorAs(t, err, &ne)
		require.True(t, ne.Timeout())
		client.SetReadDeadline(time.Time{})
		require.NoError(t, server.WriteMessage(websocket.TextMessage, []byte("hello")))
		_, _, err = client.ReadMessage()
		require.Error(t, err, "it is over for good")

		c, s := ourPair(t)
		late, cancel := context.WithDeadline(ctx, time.Now())
		defer cancel()
		_, _, err = c.Read(late)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, s.Write(ctx, ws.MessageText, []byte("hello")))
		_, p, err := c.Read(ctx)
		require.NoError(t, err)
		require.Equal(t, "hello", string(p))
	})
	t.Run("Close", func(t *testing.T) {
		client, server := gorillaPair(t)
		require.NoError(t, client.Close())
		_, _, err := server.ReadMessage()
		require.True(t, websocket.IsCloseError(err, websocket.CloseAbnormalClosure), "%v", err)

		c, s := ourPair(t)
		ended := make(chan error, 1)
		go func() { _, _, err := s.Read(ctx); ended <- err }()
		require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
		require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-ended))
	})
	t.Run("text that is not UTF-8", func(t *testing.T) {
		client, server := gorillaPair(t)
		require.NoError(t, client.WriteMessage(websocket.TextMessage, []byte("\xff")))
		_, p, err := server.ReadMessage()
		require.NoError(t, err)
		require.Equal(t, "\xff", string(p))

		c, s := ourPair(t)
		require.NoError(t, c.Write(ctx, ws.MessageText, []byte("\xff")))
		go c.Read(ctx)
		_, _, err = s.Read(ctx)
		var pe *ws.ProtocolError
		require.ErrorAs(t, err, &pe)
		require.Equal(t, ws.StatusInvalidFramePayloadData, pe.Code)
	})
	t.Run("no read limit set", func(t *testing.T) {
		large := make([]byte, 2<<20)
		client, server := gorillaPair(t)
		go client.WriteMessage(websocket.BinaryMessage, large)
		_, p, err := server.ReadMessage()
		require.NoError(t, err)
		require.Len(t, p, len(large))

		c, s := ourPair(t)
		go c.Write(ctx, ws.MessageBinary, large)
		go c.Read(ctx)
		_, _, err = s.Read(ctx)
		var pe *ws.ProtocolError
		require.ErrorAs(t, err, &pe)
		require.Equal(t, ws.StatusMessageTooBig, pe.Code)
	})
	t.Run("writers at the same time", func(t *testing.T) {
		c, s := ourPair(t)
		const writers, each = 8, 100
		for i := range writers {
			go func() {
				for range each {
					c.Write(ctx, ws.MessageBinary, make([]byte, 10*i))
				}
			}()
		}
		var n [writers]int
		for range writers * each {
			_, p, err := s.Read(ctx)
			require.NoError(t, err)
			n[len(p)/10]++
		}
		for i := range n {
			require.Equal(t, each, n[i], "whole messages of each writer")
		}
	})
	t.Run("a ping waits for its pong", func(t *testing.T) {
		c, s := ourPair(t)
		go io.Copy(io.Discard, ws.NewStream(s, ws.MessageText))
		go c.Read(ctx)
		require.NoError(t, c.Ping(ctx))
	})
}
