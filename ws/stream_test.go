package ws_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// streamPair is the two ends of a connection as net.Conns.
func streamPair(t testing.TB, compression *ws.Compression) (a, b net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	accepted := make(chan *ws.Conn, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		c, _ := ws.Upgrade(conn, &ws.UpgradeOptions{AcceptOptions: ws.AcceptOptions{Compression: compression, ReadLimit: -1}})
		accepted <- c
	}()
	c, _, err := ws.Dial(t.Context(), "ws://"+ln.Addr().String(), &ws.DialOptions{Compression: compression, ReadLimit: -1})
	require.NoError(t, err)
	s := <-accepted
	require.NotNil(t, s)
	return ws.NewStream(c, ws.MessageBinary), ws.NewStream(s, ws.MessageBinary)
}

// What is written in any pieces is read in any pieces, both ways at once, with
// compression too.
func TestStream(t *testing.T) {
	for name, compression := range map[string]*ws.Compression{"plain": nil, "compressed": {Threshold: -1}} {
		t.Run(name, func(t *testing.T) {
			a, b := streamPair(t, compression)
			sent := make([]byte, 1<<20)
			for i := range sent {
				sent[i] = byte(i * i >> 7)
			}
			errs := make(chan error, 2)
			for i, s := range []net.Conn{a, b} {
				go func() {
					for rest, n := sent, 1; len(rest) > 0; n = n*3%20_011 + i {
						n = min(n, len(rest))
						if _, err := s.Write(rest[:n]); err != nil {
							errs <- err
							return
						}
						rest = rest[n:]
					}
					errs <- nil
				}()
			}
			for _, s := range []net.Conn{a, b} {
				got := make([]byte, len(sent))
				_, err := io.ReadFull(iotest.HalfReader(s), got)
				require.NoError(t, err)
				require.True(t, bytes.Equal(sent, got))
				require.NoError(t, <-errs)
			}
			closed := make(chan error)
			go func() { closed <- a.Close() }()
			require.NoError(t, b.Close())
			require.NoError(t, <-closed)
			require.ErrorIs(t, b.Close(), net.ErrClosed)
			_, err := b.Write([]byte("x"))
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, b.SetDeadline(time.Now()), net.ErrClosed)
		})
	}
}

// A deadline of the past, or that passes, or that is set while a Read waits, ends
// that Read and nothing else.
func TestStreamDeadline(t *testing.T) {
	a, b := streamPair(t, nil)
	buf := make([]byte, 10)
	expect := func() {
		t.Helper()
		_, err := a.Read(buf)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var ne net.Error
		require.True(t, errors.As(err, &ne) && ne.Timeout())
	}
	require.NoError(t, a.SetReadDeadline(time.Unix(1, 0)))
	expect()
	require.NoError(t, a.SetReadDeadline(time.Now().Add(time.Millisecond)))
	expect()
	require.NoError(t, a.SetReadDeadline(time.Time{}))
	go a.SetReadDeadline(time.Unix(1, 0))
	expect()
	require.NoError(t, a.SetReadDeadline(time.Time{}))
	_, err := b.Write([]byte("hello"))
	require.NoError(t, err)
	n, err := io.ReadFull(a, buf[:5])
	require.NoError(t, err)
	require.Equal(t, "hello", string(buf[:n]))
	require.NoError(t, a.SetWriteDeadline(time.Unix(1, 0)))
	_, err = a.Write([]byte("late"))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	go b.Close()
	_, err = a.Read(buf)
	require.Equal(t, io.EOF, err)
	require.NoError(t, a.Close())
}

// The end of one is the end of the other, after all that was written.
func TestStreamEnds(t *testing.T) {
	a, b := streamPair(t, nil)
	closed := make(chan struct{})
	go func() {
		w := bufio.NewWriter(a)
		for range 1000 {
			io.WriteString(w, "all of it arrives\n")
		}
		w.Flush()
		a.Close()
		close(closed)
	}()
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Len(t, got, 18_000)
	require.NoError(t, b.Close())
	<-closed
	_, err = a.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
}
