package tcp_test

import (
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// An idle connection needs nobody to wait for it: it says when there is
// something to read.
func TestReadiness(t *testing.T) {
	c, s, _ := connected(t, link.WireConfig{})
	p := make([]byte, 10)

	_, err := s.TryRead(p)
	require.ErrorIs(t, err, syscall.EAGAIN)

	called := make(chan struct{}, 10)
	s.OnReadable(func() { called <- struct{}{} })
	require.Empty(t, called, "nothing has come")
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	<-called
	n, err := s.TryRead(p)
	require.NoError(t, err)
	require.Equal(t, "hello", string(p[:n]))

	// Once is once.
	_, err = c.Write([]byte("again"))
	require.NoError(t, err)
	s.OnReadable(func() { called <- struct{}{} })
	<-called
	s.OnReadable(func() { called <- struct{}{} }) // what is unread calls at once
	<-called
	n, err = s.TryRead(p)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	require.Empty(t, called)

	// The peer's FIN is something to read, and so is our own Close.
	s.OnReadable(func() { called <- struct{}{} })
	require.NoError(t, c.CloseWrite())
	<-called
	_, err = s.TryRead(p)
	require.Equal(t, io.EOF, err)

	c.OnReadable(func() { called <- struct{}{} })
	require.NoError(t, c.Close())
	<-called
	_, err = c.TryRead(p)
	require.ErrorIs(t, err, net.ErrClosed)
}
