package socketio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio"
)

// What an event with an ack costs the server, with as many of them under way at once
// as the name says: all that is allocated is the server's, as the client writes
// frames that were made once and counts the bytes of the answers. An op is one event.
func BenchmarkServeEvent(b *testing.B) {
	for _, c := range []struct {
		name, event, answer string
		handler             any
	}{
		{"text", `["echo","hello"]`, `["hello"]`, func(text string, ack func(string)) { ack(text) }},
		{"returned", `["echo","hello"]`, `["hello"]`, func(text string) string { return text }},
		{"object", `["echo",{"name":"ada","age":36}]`, `[36]`, func(v struct{ Age int }, ack func(int)) { ack(v.Age) }},
	} {
		for _, underway := range []int{1, 8} {
			b.Run(fmt.Sprint(c.name, "/", underway), func(b *testing.B) {
				server := socketio.NewServer(nil)
				server.OnConnection(func(s *socketio.Socket) { s.On("echo", c.handler) })
				hs := httptest.NewServer(server)
				b.Cleanup(func() {
					_ = server.Close(context.Background())
					hs.Close()
				})
				conn, r := rawWebSocket(b, hs)
				frames := []byte(strings.Repeat(string(maskedFrame("421"+c.event)), underway))
				answers := make([]byte, underway*(len("\x81\x00431")+len(c.answer)))
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i += underway {
					if _, err := conn.Write(frames); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(r, answers); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				require.Equal(b, "431"+c.answer, string(answers[2:2+len("431")+len(c.answer)]))
			})
		}
	}
}

// maskedFrame is a short text as a client's frame. The masking key is zero.
func maskedFrame(text string) []byte {
	return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
}

// rawWebSocket is a client without a library: it has joined "/".
func rawWebSocket(b *testing.B, hs *httptest.Server) (net.Conn, *bufio.Reader) {
	conn, err := net.Dial("tcp", hs.Listener.Addr().String())
	require.NoError(b, err)
	b.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprint(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(b, err)
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	require.NoError(b, err)
	require.Equal(b, http.StatusSwitchingProtocols, answer.StatusCode)
	_, err = conn.Write(maskedFrame("40"))
	require.NoError(b, err)
	for range 2 { // OPEN, and CONNECT
		header, err := r.Peek(2)
		require.NoError(b, err)
		size := int(header[1])
		if size == 126 {
			header, err = r.Peek(4)
			require.NoError(b, err)
			size = 2 + int(header[2])<<8 + int(header[3])
		}
		_, err = r.Discard(2 + size)
		require.NoError(b, err)
	}
	return conn, r
}
