package ws

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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

// The first impossible byte fails the connection although its frame, and its
// message, are not finished: the peer sends nothing after it and is told.
func TestUTF8FailsAtTheFirstImpossibleByte(t *testing.T) {
	for _, bad := range []string{"\xff", "\xc0", "\xed\xa0", "\xf4\x90", "\xe0\x80"} {
		c, p := open(t, tcpPair, false, connConfig{})
		go c.Read(t.Context())
		f := raw(1, "a long text, "+bad).declaring(1000)
		_, err := p.Write(f.bytes(true))
		require.NoError(t, err)
		require.Contains(t, p.receive(t).payload, "\x03\xef") // 1007
	}
}

// What a header says wrong is answered at the byte that says it: the peer sends
// no more than that.
func TestFailsAtTheFirstWrongByte(t *testing.T) {
	for _, wire := range []string{
		"\x83", "\x8b", "\xc1", "\x09", "\x80", "\x89\xfe", "\x81\x05",
		"\x81\xfe\x00\x05", "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00",
		"\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00", "\x81\xff\x00\x00\x00\x00\x00\x10\x00\x01",
	} {
		c, p := open(t, tcpPair, false, connConfig{})
		ended := make(chan error, 1)
		go func() { _, _, err := c.Read(t.Context()); ended <- err }()
		_, err := io.WriteString(p, wire)
		require.NoError(t, err)
		require.Equal(t, byte(fin|8), p.receive(t).first, "%q", wire)
		p.Close()
		var pe *ProtocolError
		require.ErrorAs(t, <-ended, &pe)
	}
}

// A declared length is not memory: a peer that announces a large message and
// sends little of it costs little.
func TestDeclaredLengthIsNotAllocated(t *testing.T) {
	c, p := open(t, pipePair, false, connConfig{readLimit: -1})
	ended := make(chan error, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() { _, _, err := c.Read(context.Background()); ended <- err }()
	_, err := p.Write(raw(2, strings.Repeat("x", 10_000)).declaring(1 << 40).bytes(true))
	require.NoError(t, err)
	p.Close()
	require.ErrorIs(t, <-ended, io.ErrUnexpectedEOF)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// The limit is the message's, not the frame's: exactly the limit passes.
func TestReadLimit(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{readLimit: 100})
	hundred := strings.Repeat("x", 100)
	p.send(t, text(hundred), raw(1, hundred[:50]), raw(fin, hundred[50:]), raw(1, hundred), raw(fin, ""))
	for range 3 {
		_, m, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, hundred, string(m))
	}
	c.SetReadLimit(101)
	p.send(t, text(hundred+"y"), text(hundred+"yz"))
	_, _, err := c.Read(t.Context())
	require.NoError(t, err)
	go func() { readRaw(p.br); p.Close() }()
	_, _, err = c.Read(t.Context())
	var pe *ProtocolError
	require.ErrorAs(t, err, &pe)
	require.Equal(t, StatusMessageTooBig, pe.Code)
}

// 65,536 fragments of 64 bytes are a message; a million empty ones are not, and
// neither are as many of one byte.
func TestFragmentsAreCountedByCost(t *testing.T) {
	const n = 65_536
	fragments := func(n int, payload string) []byte {
		b := raw(2, payload).bytes(true)
		b = append(b, bytes.Repeat(raw(0, payload).bytes(true), n-2)...)
		return append(b, raw(fin, payload).bytes(true)...)
	}
	c, p := open(t, tcpPair, false, connConfig{readLimit: -1})
	go p.Write(fragments(n, strings.Repeat("x", 64)))
	_, m, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Len(t, m, 64*n)
	for _, payload := range []string{"", "x"} {
		c, p := open(t, tcpPair, false, connConfig{readLimit: -1})
		go p.Write(fragments(1_000_000, payload))
		go func() { readRaw(p.br); p.Close() }()
		_, _, err := c.Read(t.Context())
		var pe *ProtocolError
		require.ErrorAs(t, err, &pe)
		require.Equal(t, StatusPolicyViolation, pe.Code)
	}
}

// A peer that pings and never reads: the one pong that does not leave ends the
// connection after the CloseTimeout, and nothing piled up.
func TestPingFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{closeTimeout: 3 * time.Second})
		go func() {
			for {
				if _, err := p.Write(pinging("flood").bytes(true)); err != nil {
					return
				}
			}
		}()
		start := time.Now()
		_, _, err := c.Read(context.Background())
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorContains(t, err, "does not read")
		require.Equal(t, 3*time.Second+askTime, time.Since(start))
		p.Close()
	})
}

// While a writer has the wire the reader does not wait for it: it goes on, and
// of the pings that came meanwhile the latest is answered.
func TestLatestPingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{})
		wrote := make(chan error, 1)
		go func() { wrote <- c.Write(t.Context(), MessageText, []byte("slow")) }()
		synctest.Wait() // the writer waits for the peer to read
		go p.send(t, pinging("1"), pinging("2"), pinging("3"), text("hello"))
		_, m, err := c.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, "hello", string(m))
		require.Equal(t, text("slow"), p.receive(t))
		require.Equal(t, ponging("3"), p.receive(t))
		require.NoError(t, <-wrote)
		c.CloseNow()
	})
}

// Ping returns with its pong, or a later one's; not with another payload.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, true, connConfig{})
		go c.Read(context.Background())
		pongs := make(chan error, 3)
		var last rawFrame
		for range 3 {
			go func() { pongs <- c.Ping(t.Context()) }()
			last = p.receive(t)
		}
		p.send(t, ponging("other"), ponging("12345678"))
		synctest.Wait()
		require.Empty(t, pongs)
		p.send(t, ponging(last.payload))
		for range 3 {
			require.NoError(t, <-pongs)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go p.receive(t)
		require.ErrorIs(t, c.Ping(ctx), context.DeadlineExceeded)
		require.Empty(t, c.pings.Load().open)
		c.CloseNow()
	})
}

// A hundred writers, whole messages and in fragments, with pings between, on
// both sides at once: every message arrives as it was written.
func TestConcurrentWriters(t *testing.T) {
	a, b := tcpPair(t)
	server := newConn(a, connConfig{})
	client := newConn(b, connConfig{client: true, rand: zeroes{}})
	const writers, each = 20, 50
	errs := make(chan error, 1000)
	for _, c := range []*Conn{server, client} {
		for w := range writers {
			go func() {
				for i := range each {
					m := []byte(fmt.Sprintf("%d-%d-%s", w, i, strings.Repeat(string(rune('a'+w)), w*500)))
					if w%2 == 0 {
						errs <- c.Write(context.Background(), MessageText, m)
						continue
					}
					mw, err := c.Writer(context.Background(), MessageText)
					for len(m) > 0 && err == nil {
						var n int
						n, err = mw.Write(m[:min(len(m), 1000)])
						m = m[n:]
					}
					errs <- errors.Join(err, mw.Close())
				}
			}()
		}
		go func() {
			for range each {
				if err := c.Ping(context.Background()); err != nil {
					errs <- err
				}
			}
			errs <- nil
		}()
		go func() {
			next := make(map[int]int)
			for range writers * each {
				_, m, err := c.Read(context.Background())
				if err != nil {
					errs <- err
					return
				}
				var w, i int
				var rest string
				fmt.Sscanf(string(m), "%d-%d-%s", &w, &i, &rest)
				if i != next[w] || rest != strings.Repeat(string(rune('a'+w)), w*500) {
					errs <- fmt.Errorf("writer %d: message %d, wanted %d", w, i, next[w])
				}
				next[w]++
			}
			errs <- nil
			c.Read(context.Background()) // sees to the last pings and the close
		}()
	}
	for range 2 * (writers*each + 2) {
		require.NoError(t, <-errs)
	}
	server.Close(1000, "")
}

// A peer that stops inside a header, or inside a control frame, holds no more than
// that takes, in either mode; the rest of the frame is taken all the same.
func TestPartOfAFrameHoldsLittle(t *testing.T) {
	frame := pinging(strings.Repeat("p", 125)).bytes(true)
	for _, cut := range []int{1, 5, len(frame) - 1} {
		c, p := open(t, tcpPair, false, connConfig{})
		require.NotNil(t, c.kernel)
		_, err := p.Write(frame[:cut])
		require.NoError(t, err)
		for c.in.len() < cut { // the Read that gives up may come before the bytes
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			_, _, err = c.Read(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Len(t, c.in.buf(), tinyBuffer)
		go c.Read(context.Background())
		_, err = p.Write(frame[cut:])
		require.NoError(t, err)
		require.Equal(t, ponging(strings.Repeat("p", 125)), p.receive(t))
		c.CloseNow()

		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := newConn(newReadyConn(a), connConfig{})
			closed := make(chan error, 1)
			c.Handle(echoHandler(closed))
			p := &peer{Conn: b, br: bufio.NewReader(b), client: true}
			_, err := p.Write(frame[:cut])
			require.NoError(t, err)
			synctest.Wait()
			require.Len(t, c.in.buf(), tinyBuffer)
			require.Equal(t, cut, c.in.len())
			_, err = p.Write(frame[cut:])
			require.NoError(t, err)
			require.Equal(t, ponging(strings.Repeat("p", 125)), p.receive(t))
			synctest.Wait()
			require.Nil(t, c.in.has, "nothing while nothing is there")
			p.Close()
			require.Error(t, <-closed)
		})
	}
}
