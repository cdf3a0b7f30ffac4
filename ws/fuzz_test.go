package ws

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// monologue is a connection to a peer that says what it has to say, and then ends:
// for fuzzing, where nothing may wait.
type monologue struct {
	in    []byte
	chops []byte // the sizes of what is read, less one, repeated; none: all at once
	reads int
	out   bytes.Buffer
}

var _ net.Conn = (*monologue)(nil)

func (s *monologue) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := len(s.in)
	if len(s.chops) > 0 {
		n = min(n, 1+int(s.chops[s.reads%len(s.chops)]))
		s.reads++
	}
	n = copy(p, s.in[:n])
	s.in = s.in[n:]
	return n, nil
}

func (s *monologue) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *monologue) Close() error                     { return nil }
func (s *monologue) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *monologue) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *monologue) SetDeadline(time.Time) error      { return nil }
func (s *monologue) SetReadDeadline(time.Time) error  { return nil }
func (s *monologue) SetWriteDeadline(time.Time) error { return nil }

// dialMonologue has a client dial a peer that answers with answer, whatever it is
// asked; its key is always the same.
func dialMonologue(answer, chops []byte, opts DialOptions) (*Conn, *http.Response, *monologue, error) {
	s := &monologue{in: answer, chops: chops}
	opts.DialContext = func(context.Context, string, string) (net.Conn, error) { return s, nil }
	opts.Rand = zeroes{}
	c, resp, err := Dial(context.Background(), "ws://h/", &opts)
	return c, resp, s, err
}

// Whatever the frames and however they are cut, a connection with compression
// reads the same messages and says the same of the peer. No message is larger than
// the limit, every text is UTF-8, and what is answered is frames, and not much.
func FuzzCompressedMessages(f *testing.F) {
	hello := string(bytes.TrimSuffix(deflated(f, []byte("Hello"), 9, nil), deflateTail))
	again := string(bytes.TrimSuffix(deflated(f, []byte("Hello"), 9, []byte("Hello")), deflateTail))
	for _, frames := range [][]rawFrame{
		{raw(fin|0x41, hello), raw(fin|0x41, again), closing(1000, "bye")},
		{raw(0x41, hello[:3]), pinging("?"), raw(fin, hello[3:])},
		{raw(fin|0x42, ""), raw(fin|0x41, "\x00"), text("Hello"), bin("\xff")},
		{raw(fin|0x42, string(bytes.TrimSuffix(deflated(f, make([]byte, 1<<17), 9, nil), deflateTail)))},
		{raw(fin|0x41, string(deflated(f, []byte("\xed\xa0\x80"), 0, nil)))},
		{raw(fin|0x41, hello), raw(fin|0x49, ""), raw(fin|0x40, hello)},
	} {
		for _, fromClient := range []bool{true, false} {
			var b []byte
			for _, f := range frames {
				b = append(b, f.bytes(fromClient)...)
			}
			f.Add(b, []byte{0}, fromClient, uint8(15), true)
			f.Add(b, []byte{2, 0, 5}, fromClient, uint8(9), false)
		}
	}
	f.Fuzz(func(t *testing.T, wire, chops []byte, fromClient bool, bits uint8, takeover bool) {
		const limit = 1 << 16
		p := deflateParams{serverBits: 15, clientBits: 15, serverNoTakeover: !takeover, clientNoTakeover: !takeover}
		p.serverBits = 8 + int(bits&7)
		p.clientBits = p.serverBits
		read := func(chops []byte) (messages []string, why string) {
			s := &monologue{in: wire, chops: chops}
			c := newConn(s, connConfig{client: !fromClient, rand: zeroes{}, readLimit: limit, compression: &Compression{}, deflate: &p})
			defer c.CloseNow()
			for {
				typ, p, err := c.Read(context.Background())
				if err != nil {
					answers(t, s.out.Bytes(), !fromClient, len(wire))
					return messages, ending(t, err)
				}
				require.LessOrEqual(t, len(p), limit)
				require.True(t, typ == MessageBinary || typ == MessageText && utf8.Valid(p))
				messages = append(messages, typ.String()+string(p))
			}
		}
		whole, why := read(nil)
		cut, cutWhy := read(chops)
		require.Equal(t, whole, cut)
		require.Equal(t, why, cutWhy)
	})
}

// ending is what kind of end a connection had; there is no other.
func ending(t *testing.T, err error) string {
	var pe *ProtocolError
	var ce CloseError
	switch {
	case errors.As(err, &pe):
		return "violation " + pe.Code.String()
	case errors.As(err, &ce):
		return "closed " + ce.Code.String() + ce.Reason
	}
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	return "ended"
}

// answers checks that what was written is pongs, none longer than what was read,
// and then a close frame or nothing.
func answers(t *testing.T, out []byte, masked bool, read int) {
	require.LessOrEqual(t, len(out), 2*read+2*maxHeader+maxControl)
	for r := bytes.NewReader(out); r.Len() > 0; {
		f, wasMasked, err := readRaw(r)
		require.NoError(t, err)
		require.Equal(t, masked, wasMasked)
		if f.first == fin|byte(opClose) {
			require.Zero(t, r.Len(), "something behind the close frame")
			return
		}
		require.Equal(t, fin|byte(opPong), f.first)
	}
}

// Whatever a server answers to an offer of subprotocols and compression, and
// however it is cut, the client returns: with a connection only after the answer
// to its key, with a subprotocol and parameters that it offered, and with all the
// bytes that came behind.
func FuzzResponse(f *testing.F) {
	good := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n"
	f.Add([]byte(good+"\r\n\x81\x05Hello"), byte(0), 0, 0)
	f.Add([]byte(good+"Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"9\"\r\n\r\n"), byte(9), 10, 12)
	f.Add([]byte(good+"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12;server_no_context_takeover\r\n\r\n"), byte(200), 0, 12)
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\n"+good+"\r\n"), byte(1), 0, 0)
	f.Add([]byte("HTTP/1.1 301 Moved\r\nLocation: ws://other/\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), byte(255), 0, 0)
	f.Fuzz(func(t *testing.T, answer []byte, chop byte, server, client int) {
		opts := DialOptions{Subprotocols: []string{"a", "b"}, Compression: &Compression{ServerMaxWindowBits: server, ClientMaxWindowBits: client}}
		if opts.Compression.check() != nil {
			return
		}
		c, resp, s, err := dialMonologue(answer, []byte{chop}, opts)
		if err != nil {
			require.Nil(t, c)
			return
		}
		defer c.CloseNow()
		require.Equal(t, 101, resp.StatusCode)
		require.Contains(t, string(answer), "ICX+Yqv66kxgM0FcWaLWlFLwTAI=")
		require.Contains(t, []string{"", "a", "b"}, c.Subprotocol())
		require.True(t, bytes.HasSuffix(answer, append(c.in.bytes(), s.in...)))
		if c.deflate != nil {
			require.Contains(t, string(answer), deflateName)
			require.LessOrEqual(t, c.deflate.receiveWindow, 1<<max(9, opts.Compression.params().serverBits))
			require.LessOrEqual(t, c.deflate.sendBits, opts.Compression.params().clientBits)
		}
	})
}

// Whatever a proxy answers to CONNECT, and however it is cut, the client returns,
// and speaks to the server only behind a 200 with nothing after it.
func FuzzProxyResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 Connection established\r\n\r\n"), byte(255))
	f.Add([]byte("HTTP/1.0 200 OK\r\nVia: 1.1 p\r\n\r\n\x81\x00"), byte(3))
	f.Add([]byte("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno"), byte(0))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), byte(1))
	f.Fuzz(func(t *testing.T, answer []byte, chop byte) {
		_, _, s, err := dialMonologue(answer, []byte{chop}, DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy"})})
		require.Error(t, err) // the server behind it says nothing
		br := bufio.NewReader(&s.out)
		asked, err := http.ReadRequest(br)
		require.NoError(t, err)
		require.Equal(t, "CONNECT", asked.Method)
		require.Equal(t, "h:80", asked.Host)
		if _, err := br.Peek(1); err == nil {
			resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), asked)
			require.NoError(t, err)
			require.Equal(t, 200, resp.StatusCode)
		}
	})
}

// Whatever a SOCKS5 proxy answers, the client returns, and speaks to the server
// only where the proxy said that it is connected.
func FuzzSocksResponse(f *testing.F) {
	f.Add([]byte("\x05\x00\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50"), byte(255))
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x01h\x00\x50"), byte(0))
	f.Add([]byte("\x05\xff"), byte(0))
	f.Add([]byte("\x05\x00\x05\x00\x00\x03\x00Ph"), byte('Y')) // bound to a name of no bytes
	f.Fuzz(func(t *testing.T, answer []byte, chop byte) {
		_, _, s, err := dialMonologue(answer, []byte{chop}, DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "socks5", Host: "proxy", User: url.UserPassword("u", "p")})})
		require.Error(t, err)
		if strings.Contains(s.out.String(), "GET ") {
			require.Contains(t, []byte{0, 2}, answer[1], "the methods that were offered")
			reply := answer[2:]
			if answer[1] == 2 {
				reply = reply[2:] // the password was right
			}
			require.True(t, bytes.HasPrefix(reply, []byte("\x05\x00\x00")), "no reply that says yes: %x", answer)
		}
	})
}

// Whatever the request, and however it is cut, Upgrade answers or ends; it takes
// over what net/http would take over, and nothing else, and keeps what comes
// behind the request.
func FuzzUpgrade(f *testing.F) {
	good := "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	f.Add([]byte(good+"\r\n\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), byte(255))
	f.Add([]byte(good+"Origin: http://h\r\nContent-Length: 0\r\nSec-WebSocket-Protocol: a, chat\r\n\r\n"), byte(0))
	f.Add([]byte(good+"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x\r\n\r\n"), byte(7))
	f.Add([]byte(strings.Replace(good, "13", "12", 1)+"\r\n"), byte(7))
	f.Add([]byte("POST * HTTP/1.0\r\n\r\n"), byte(1))
	f.Fuzz(func(t *testing.T, request []byte, chop byte) {
		s := &monologue{in: request, chops: []byte{chop}}
		c, err := Upgrade(s, &UpgradeOptions{AcceptOptions: AcceptOptions{Subprotocols: []string{"chat"}, Compression: &Compression{}}})
		answer := bufio.NewReader(&s.out)
		resp, respErr := http.ReadResponse(answer, &http.Request{Method: "GET"})
		if err != nil {
			require.Nil(t, c)
			if respErr != nil {
				require.Zero(t, s.out.Len(), "half an answer")
				return
			}
			require.GreaterOrEqual(t, resp.StatusCode, 400)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			require.Zero(t, answer.Buffered())
			return
		}
		defer c.CloseNow()
		require.NoError(t, respErr)
		require.Equal(t, 101, resp.StatusCode)
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
		require.NoError(t, err)
		require.Equal(t, "13", r.Header.Get("Sec-WebSocket-Version"))
		require.Equal(t, acceptKey(r.Header.Get("Sec-WebSocket-Key")), resp.Header.Get("Sec-WebSocket-Accept"))
		_, rest, _ := bytes.Cut(request, []byte("\r\n\r\n"))
		require.Equal(t, string(rest), string(c.in.bytes())+string(s.in))
	})
}
