package ws

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A peer that does not answer the close frame is waited for as long as the
// CloseTimeout says, and no longer; so is one that does not even read it.
func TestCloseTimeout(t *testing.T) {
	for _, reads := range []bool{true, false} {
		for _, client := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				c, p := open(t, pipePair, client, connConfig{closeTimeout: 7 * time.Second})
				if reads {
					go io.Copy(io.Discard, p.Conn)
				}
				reader := make(chan error, 1)
				go func() { _, _, err := c.Read(context.Background()); reader <- err }()
				synctest.Wait()
				start := time.Now()
				require.ErrorIs(t, c.Close(1000, ""), os.ErrDeadlineExceeded)
				require.Equal(t, 7*time.Second, time.Since(start))
				require.ErrorIs(t, <-reader, os.ErrDeadlineExceeded)
				require.ErrorIs(t, c.Write(t.Context(), MessageText, nil), net.ErrClosed)
				p.Close()
			})
		}
	}
}

// A client waits for the server to end TCP, within the same bound, and the close
// is clean all the same.
func TestClientWaitsForTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, true, connConfig{closeTimeout: 7 * time.Second})
		go func() {
			readRaw(p.br)
			p.Write(closing(1000, "").bytes(false))
		}()
		start := time.Now()
		require.NoError(t, c.Close(1000, ""))
		require.Equal(t, 7*time.Second, time.Since(start))
	})
}

// Close reads on to the peer's close frame past what was sent before it, also
// past a message that a Reader has half read, and says no twice.
func TestCloseDiscards(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	p.send(t, text(strings.Repeat("x", 10_000)))
	_, r, err := c.Reader(t.Context())
	require.NoError(t, err)
	_, err = io.ReadFull(r, make([]byte, 10))
	require.NoError(t, err)
	p.send(t, raw(1, "half"), pinging(""))
	closed := make(chan error, 1)
	go func() { closed <- c.Close(StatusGoingAway, "") }()
	require.Equal(t, closing(1001, ""), p.receive(t))
	p.send(t, closing(1001, ""))
	require.NoError(t, <-closed)
	_, err = p.br.ReadByte()
	require.Equal(t, io.EOF, err, "no pong after the close frame, and the server ends TCP")
	_, err = r.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, c.Close(1000, ""), net.ErrClosed)
	require.ErrorIs(t, c.CloseNow(), net.ErrClosed)
}

// Both close at once: both handshakes are complete.
func TestCloseAtOnce(t *testing.T) {
	for range 50 {
		a, b := tcpPair(t)
		server := newConn(a, connConfig{})
		client := newConn(b, connConfig{client: true, rand: zeroes{}})
		errs := make(chan error, 2)
		go func() { errs <- server.Close(1000, "server") }()
		go func() { errs <- client.Close(1001, "client") }()
		for range 2 {
			if err := <-errs; err != nil {
				// One saw the other's frame before it sent its own.
				require.ErrorIs(t, err, net.ErrClosed)
				require.NotEqual(t, StatusCode(-1), CloseStatus(err))
			}
		}
	}
}

// Which codes can be sent, and what becomes of the reason.
func TestCloseArguments(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	for _, code := range []StatusCode{0, 999, 1004, 1006, 1015, 1016, 2999, 5000} {
		require.ErrorContains(t, c.Close(code, ""), "cannot be sent")
	}
	require.Error(t, c.Close(StatusNoStatusRcvd, "reason"))
	go c.Close(4999, strings.Repeat("é", 62))
	require.Equal(t, closing(4999, strings.Repeat("é", 61)), p.receive(t), "cut between characters")
	p.send(t, closing(1000, ""))
}

// CloseNow wakes whoever waits.
func TestCloseNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{})
		errs := make(chan error, 4)
		go func() { _, _, err := c.Read(context.Background()); errs <- err }()
		go func() { errs <- c.Write(context.Background(), MessageText, []byte("x")) }()
		go func() { errs <- c.Write(context.Background(), MessageText, []byte("y")) }()
		go func() { errs <- c.Ping(context.Background()) }()
		synctest.Wait()
		require.NoError(t, c.CloseNow())
		for range 4 {
			require.ErrorIs(t, <-errs, net.ErrClosed)
		}
		p.Close()
	})
}

// TCP that ends without a close frame is not a clean end, wherever it ends.
func TestEOF(t *testing.T) {
	wire := text("Hello").bytes(true)
	for cut := range len(wire) {
		c, p := open(t, tcpPair, false, connConfig{})
		p.Write(wire[:cut])
		p.Close()
		_, _, err := c.Read(t.Context())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotErrorIs(t, err, io.EOF)
		require.Equal(t, StatusCode(-1), CloseStatus(err))
	}
}

// A reset is the connection's own error, in Read, Write and Close.
func TestReset(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	require.NoError(t, p.Conn.(*net.TCPConn).SetLinger(0))
	p.Close()
	_, _, err := c.Read(t.Context())
	require.ErrorContains(t, err, "reset")
	require.ErrorIs(t, c.Write(t.Context(), MessageText, nil), net.ErrClosed)
	require.ErrorIs(t, c.Close(1000, ""), net.ErrClosed)
}

// A close frame that came counts, and so does a broken rule, also where the peer
// is gone before the answer: not the failed answer is the reason.
func TestCloseFrameThenGone(t *testing.T) {
	for _, client := range []bool{false, true} {
		c, p := open(t, pipePair, client, connConfig{})
		go func() { p.Write(closing(1001, "tab closed").bytes(p.client)); p.Close() }()
		_, _, err := c.Read(t.Context())
		require.Equal(t, StatusGoingAway, CloseStatus(err))
		_, _, err = c.Read(t.Context())
		require.Equal(t, StatusGoingAway, CloseStatus(err), "the error is final")

		c, p = open(t, pipePair, client, connConfig{})
		go func() { p.Write(raw(0x83, "").bytes(p.client)); p.Close() }()
		_, _, err = c.Read(t.Context())
		var pe *ProtocolError
		require.ErrorAs(t, err, &pe)
		require.Equal(t, StatusProtocolError, pe.Code)
	}
}

// A writer that is stuck with half a frame, because the peer does not read, does
// not hold up Close for longer than the CloseTimeout.
func TestCloseBehindStuckWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{closeTimeout: 7 * time.Second})
		wrote := make(chan error, 1)
		go func() { wrote <- c.Write(context.Background(), MessageText, []byte("stuck")) }()
		go p.Conn.Read(make([]byte, 2))
		synctest.Wait()
		start := time.Now()
		require.Error(t, c.Close(1000, ""))
		require.Equal(t, 7*time.Second, time.Since(start))
		err := <-wrote
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorContains(t, err, "within 7s")
	})
}

// A Writer that is open when Close is called, or a Queue that still has messages,
// finds that it is too late, and does not cut the closing handshake short.
func TestCloseBesideWriters(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	w, err := c.Writer(t.Context(), MessageText)
	require.NoError(t, err)
	_, err = w.Write(make([]byte, 5000))
	require.NoError(t, err)
	require.False(t, p.receive(t).first&fin != 0, "the message has begun and is not over")
	q := NewQueue(c, QueueOptions{})
	require.NoError(t, q.Send(t.Context(), MessageText, []byte("behind the Writer"), 0))

	closed := make(chan error, 1)
	go func() { closed <- c.Close(StatusGoingAway, "") }()
	require.Equal(t, closing(1001, ""), p.receive(t))
	_, err = w.Write(make([]byte, 5000))
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, w.Close(), net.ErrClosed)
	// The Queue had the Writer's turn, and found it too late as well.
	for n, _ := q.Waiting(); n > 0; n, _ = q.Waiting() {
		runtime.Gosched()
	}
	require.ErrorIs(t, q.Send(t.Context(), MessageText, nil, 0), net.ErrClosed)
	require.ErrorIs(t, c.Write(t.Context(), MessageText, nil), net.ErrClosed)
	require.NoError(t, c.ended(), "the peer's close frame is still waited for")
	p.send(t, closing(1001, ""))
	require.NoError(t, <-closed)
}

// A Reader whose message Close discards does not go on with the next message.
func TestCloseBesideAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{})
		go p.send(t, raw(1, "one,"))
		_, r, err := c.Reader(t.Context())
		require.NoError(t, err)
		_, err = io.ReadFull(r, make([]byte, 4))
		require.NoError(t, err)

		closed := make(chan error, 1)
		go func() { closed <- c.Close(1000, "") }()
		require.Equal(t, closing(1000, ""), p.receive(t))
		synctest.Wait() // Close reads
		read := make(chan error, 1)
		go func() {
			rest, err := io.ReadAll(r)
			if len(rest) > 0 {
				err = fmt.Errorf("%q of a later message", rest)
			}
			read <- err
		}()
		synctest.Wait() // the Reader waits for its turn
		p.send(t, raw(fin, "rest of one"), text("two"))
		synctest.Wait()
		p.send(t, closing(1000, ""))
		require.ErrorIs(t, <-read, net.ErrClosed)
		require.NoError(t, <-closed)
	})
}

// A client whose Writer is open when the server closes: the client answers and
// waits for the server to end TCP, though the Writer fails meanwhile.
func TestPeerClosesBesideAWriter(t *testing.T) {
	c, p := open(t, tcpPair, true, connConfig{})
	w, err := c.Writer(t.Context(), MessageText)
	require.NoError(t, err)
	w.Write(make([]byte, 5000))
	p.receive(t)
	ended := make(chan error, 1)
	go func() { _, _, err := c.Read(context.Background()); ended <- err }()
	p.send(t, closing(1001, ""))
	require.Equal(t, closing(1001, ""), p.receive(t))
	_, err = w.Write(make([]byte, 5000))
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, c.ended())
	p.Close()
	require.Equal(t, StatusGoingAway, CloseStatus(<-ended))
}
