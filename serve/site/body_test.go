package site

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A body that was announced and does not come holds the connection for a time,
// not for ever: then the server hangs up. Requests without a body may wait as
// long as they like, as a poll does, and so may the connection afterwards.
func TestBodyThatNeverComes(t *testing.T) {
	s := New(Config{})
	s.bodyTimeout = 10 * time.Millisecond
	srv := httptest.NewServer(s)
	defer srv.Close()
	defer s.Close(t.Context())
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
		"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
	} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		_, err = fmt.Fprint(c, request)
		require.NoError(t, err)
		_, err = io.ReadAll(c) // the answer, and the end
		require.NoError(t, err, "the server hangs up: %q", request)
	}

	// The deadline of a body that did come is nobody's deadline afterwards.
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	answers := bufio.NewReader(c)
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345",
		"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		_, err = fmt.Fprint(c, request)
		require.NoError(t, err)
		answer, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode)
	}
}
