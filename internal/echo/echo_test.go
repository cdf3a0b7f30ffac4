package echo_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/internal/echo"
	"strata/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// Two connections are served at once, each gets its own back and its end; Serve
// returns when the listener is closed, and a connection that is open then is
// served on.
func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan struct{})
	go func() { echo.Serve(ln); close(served) }()
	var conns []*net.TCPConn
	for range 2 {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		conns = append(conns, c.(*net.TCPConn))
	}
	for i, word := range []string{"first", "other"} {
		_, err := io.WriteString(conns[i], word)
		require.NoError(t, err)
	}
	for i, word := range []string{"first", "other"} {
		got := make([]byte, len(word))
		_, err := io.ReadFull(conns[i], got)
		require.NoError(t, err)
		require.Equal(t, word, string(got))
	}
	require.NoError(t, ln.Close())
	<-served
	for _, c := range conns {
		_, err := io.WriteString(c, "last words")
		require.NoError(t, err)
		require.NoError(t, c.CloseWrite())
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "last words", string(got))
	}
}
