//go:build unix

package ws

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each function left for later begins, also while another of the same read takes
// its time.
func TestEachLaterBegins(t *testing.T) {
	for _, name := range []string{"polled", "ready"} {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, eventPairs[name], false, connConfig{})
			second, closed := make(chan bool), make(chan error, 1)
			free := make(chan bool)
			c.Handle(&Handler{
				OnMessage: func(c *Conn, _ MessageType, p []byte) {
					if string(p) == "first" {
						c.Later(func() {
							select {
							case <-second:
							case <-free:
							}
						})
					} else {
						c.Later(func() { close(second) })
					}
				},
				OnClose: func(_ *Conn, err error) { closed <- err },
			})
			_, err := p.Write(append(text("first").bytes(true), text("second").bytes(true)...))
			require.NoError(t, err)
			defer close(free)
			select {
			case <-second:
			case <-time.After(time.Minute):
				t.Error("the second function waits for the first to return")
			}
			c.CloseNow()
			<-closed
		})
	}
}

// What was left for later begins, though the connection then lingers: the peer
// broke the protocol and does not end TCP.
func TestLaterBeginsBeforeLingering(t *testing.T) {
	for _, name := range []string{"polled", "ready"} {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, eventPairs[name], false, connConfig{closeTimeout: time.Hour})
			begun, closed := make(chan bool, 1), make(chan error, 1)
			c.Handle(&Handler{
				OnMessage: func(c *Conn, _ MessageType, p []byte) { c.Later(func() { begun <- true }) },
				OnClose:   func(_ *Conn, err error) { closed <- err },
			})
			_, err := p.Write(append(text("do").bytes(true), raw(0x0f|fin, "").bytes(true)...))
			require.NoError(t, err)
			<-begun
			c.CloseNow()
			<-closed
		})
	}
}

// OnClose waits for what an earlier callback left for later.
func TestOnCloseMayWaitForLater(t *testing.T) {
	c, p := open(t, eventPairs["ready"], false, connConfig{})
	done, closed := make(chan bool), make(chan bool, 1)
	c.Handle(&Handler{
		OnMessage: func(c *Conn, _ MessageType, p []byte) { c.Later(func() { close(done) }) },
		OnClose: func(_ *Conn, err error) {
			select {
			case <-done:
				closed <- true
			case <-time.After(time.Minute):
				closed <- false
			}
		},
	})
	_, err := p.Write(append(text("do").bytes(true), closing(1000, "").bytes(true)...))
	require.NoError(t, err)
	require.True(t, <-closed, "OnClose is called before what was left for later begins")
}

// droppingConn always has something more when the reader is about to rest: a
// message first, then pongs.
type droppingConn struct {
	net.Conn
	c     *Conn
	first []byte
	n     int
	stop  chan struct{}
}

func (d *droppingConn) TryRead(p []byte) (int, error) {
	select {
	case <-d.stop:
		return 0, syscall.EAGAIN
	default:
	}
	if d.first != nil {
		n := copy(p, d.first)
		d.first = nil
		d.c.events.begin()
		return n, nil
	}
	d.n++
	if d.n == 200_000 {
		return 0, io.EOF
	}
	d.c.events.begin() // as the poller does where more comes while the connection is served
	return copy(p, ponging("").bytes(true)), nil
}

func (d *droppingConn) OnReadable(func()) {}

// What was left for later begins, also where what comes without end has no callback.
func TestLaterBeginsBehindEndlessPongs(t *testing.T) {
	a, _ := tcpPair(t)
	d := &droppingConn{Conn: a, first: text("do").bytes(true), stop: make(chan struct{})}
	c := newConn(d, connConfig{})
	d.c = c
	begun, closed := make(chan bool, 1), make(chan error, 1)
	c.Handle(&Handler{
		OnMessage: func(c *Conn, _ MessageType, p []byte) { c.Later(func() { begun <- true; close(d.stop) }) },
		OnClose:   func(_ *Conn, err error) { closed <- err },
	})
	select {
	case <-begun:
	case err := <-closed:
		t.Errorf("it had not begun when the connection ended: %v", err)
	}
	c.CloseNow()
}

// What was left for later begins, though the peer does not read what is held.
func TestLaterBeginsBesideAPeerThatDoesNotRead(t *testing.T) {
	a, b := tcpPair(t)
	c := newConn(a, connConfig{})
	p := &peer{Conn: b, client: true}
	require.NoError(t, a.(*net.TCPConn).SetWriteBuffer(64<<10))
	require.NoError(t, b.(*net.TCPConn).SetReadBuffer(64<<10))
	for more := int64(-1); more != 0; {
		require.NoError(t, a.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		more, _ = io.Copy(a, zeroReader{})
	}
	require.NoError(t, a.SetWriteDeadline(never))
	begun, closed := make(chan bool), make(chan error, 1)
	c.Handle(&Handler{
		OnMessage: func(c *Conn, typ MessageType, p []byte) {
			c.Later(func() { close(begun) })
			_ = c.Write(context.Background(), typ, p)
		},
		OnClose: func(_ *Conn, err error) { closed <- err },
	})
	p.send(t, text("do"))
	select {
	case <-begun:
	case <-time.After(time.Minute):
		t.Error("it waits until the peer reads, or is given up")
	}
	c.CloseNow()
	<-closed
}
