package ws_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// echo answers every message until the connection ends.
func echo(c *ws.Conn) error {
	var p []byte
	for {
		typ, q, err := c.ReadAppend(context.Background(), p[:0])
		if err != nil {
			return err
		}
		p = q
		if err := c.Write(context.Background(), typ, p); err != nil {
			return err
		}
	}
}

// echoServer serves echo over plain HTTP or TLS; the error of each connection
// goes to errs.
func echoServer(t testing.TB, withTLS bool, opts *ws.AcceptOptions) (url string, tlsClient *http.Client, errs chan error) {
	errs = make(chan error, 100)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, opts)
		if err == nil {
			defer c.CloseNow()
			err = echo(c)
		}
		errs <- err
	}))
	if withTLS {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return strings.Replace(srv.URL, "http", "ws", 1), srv.Client(), errs
}

// Messages of all sizes around the places where the length changes its form and
// the buffers end come back as they went, over TCP and over TLS, and the closing
// handshake is clean on both sides.
func TestEcho(t *testing.T) {
	for _, withTLS := range []bool{false, true} {
		t.Run(map[bool]string{false: "ws", true: "wss"}[withTLS], func(t *testing.T) {
			url, hc, errs := echoServer(t, withTLS, &ws.AcceptOptions{ReadLimit: -1})
			opts := &ws.DialOptions{ReadLimit: -1}
			if withTLS {
				opts.TLSConfig = hc.Transport.(*http.Transport).TLSClientConfig
			}
			ctx := t.Context()
			c, resp, err := ws.Dial(ctx, url+"/echo?x=1", opts)
			require.NoError(t, err)
			require.Equal(t, 101, resp.StatusCode)
			defer c.CloseNow()
			for _, size := range []int{0, 1, 125, 126, 127, 4081, 4082, 4083, 4096, 65521, 65522, 65523, 65535, 65536, 1 << 20, 16 << 20} {
				sent := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
				kept := bytes.Clone(sent)
				got := make(chan error, 1)
				var typ ws.MessageType
				var p []byte
				go func() { // a large echo begins before all is sent
					var err error
					typ, p, err = c.Read(ctx)
					got <- err
				}()
				require.NoError(t, c.Write(ctx, ws.MessageText, sent))
				require.NoError(t, <-got)
				require.Equal(t, ws.MessageText, typ)
				require.True(t, bytes.Equal(kept, p), "size %d", size)
				require.True(t, bytes.Equal(kept, sent), "the caller's bytes were changed, size %d", size)
			}
			require.NoError(t, c.Close(ws.StatusNormalClosure, "bye"))
			err = <-errs
			var ce ws.CloseError
			require.ErrorAs(t, err, &ce)
			require.Equal(t, ws.CloseError{Code: 1000, Reason: "bye"}, ce)
			require.ErrorIs(t, c.Write(ctx, ws.MessageText, nil), net.ErrClosed)
			_, _, err = c.Read(ctx)
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, c.Close(1000, ""), net.ErrClosed)
		})
	}
}

// A Writer's message comes as one, however it was cut, and control frames go
// between its fragments.
func TestWriterAndReader(t *testing.T) {
	url, _, _ := echoServer(t, false, nil)
	ctx := t.Context()
	c, _, err := ws.Dial(ctx, url, nil)
	require.NoError(t, err)
	defer c.CloseNow()
	for _, pieces := range [][]int{{}, {0}, {5}, {4082, 1}, {1, 4082}, {10, 100_000, 10}, {4000, 4000, 4000}} {
		w, err := c.Writer(ctx, ws.MessageBinary)
		require.NoError(t, err)
		var want []byte
		for i, n := range pieces {
			p := bytes.Repeat([]byte{byte('a' + i)}, n)
			want = append(want, p...)
			_, err := w.Write(p)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.ErrorIs(t, w.Close(), io.ErrClosedPipe)
		typ, r, err := c.Reader(ctx)
		require.NoError(t, err)
		require.Equal(t, ws.MessageBinary, typ)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "pieces %v", pieces)
		_, err = r.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	}
}

// What a Reader leaves is skipped, and the Reader knows it is stale.
func TestReaderGivenUp(t *testing.T) {
	url, _, _ := echoServer(t, false, nil)
	ctx := t.Context()
	c, _, err := ws.Dial(ctx, url, nil)
	require.NoError(t, err)
	defer c.CloseNow()
	require.NoError(t, c.Write(ctx, ws.MessageText, []byte(strings.Repeat("first", 10_000))))
	require.NoError(t, c.Write(ctx, ws.MessageText, []byte("second")))
	_, r, err := c.Reader(ctx)
	require.NoError(t, err)
	_, err = io.ReadFull(r, make([]byte, 7))
	require.NoError(t, err)
	_, p, err := c.Read(ctx)
	require.NoError(t, err)
	require.Equal(t, "second", string(p))
	_, err = r.Read(make([]byte, 1))
	require.Error(t, err)
	require.False(t, errors.Is(err, io.EOF), "a stale reader must not look like the end of its message")
}

// Over TLS a cancelled Read is harmless too: what came of a record is kept.
func TestCancelledReadOverTLS(t *testing.T) {
	url, hc, _ := echoServer(t, true, nil)
	c, _, err := ws.Dial(t.Context(), url, &ws.DialOptions{TLSConfig: hc.Transport.(*http.Transport).TLSClientConfig})
	require.NoError(t, err)
	defer c.CloseNow()
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_, _, err = c.Read(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("hello")))
		_, p, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, "hello", string(p))
	}
	require.NoError(t, c.Close(1000, ""))
}
