package ws

import (
	"bytes"
	"compress/flate"
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

// failure reads until the connection fails, and says with which code.
func failure(t *testing.T, c *Conn) StatusCode {
	for {
		_, _, err := c.Read(context.Background())
		if err == nil {
			continue
		}
		var pe *ProtocolError
		require.ErrorAs(t, err, &pe)
		return pe.Code
	}
}

// squeezed is n zeroes compressed as small as DEFLATE can: a thousandth.
func squeezed(t *testing.T, n int64) []byte {
	var b bytes.Buffer
	fw, err := flate.NewWriter(&b, 9)
	require.NoError(t, err)
	_, err = io.CopyN(fw, zeroes{}, n)
	require.NoError(t, err)
	require.NoError(t, fw.Flush())
	return bytes.TrimSuffix(b.Bytes(), deflateTail)
}

// A compression bomb, 1 GiB in 1 MiB: the connection fails with 1009 as soon as
// the limit is passed, and what it cost is near the limit.
func TestWithstandsACompressionBomb(t *testing.T) {
	bomb := bytes.Repeat(append(squeezed(t, 1<<20), deflateTail...), 1<<10)
	require.Less(t, len(bomb), 1<<20+1<<18)
	for name, read := range map[string]func(*Conn) error{
		"Read": func(c *Conn) error { _, _, err := c.Read(context.Background()); return err },
		"Reader": func(c *Conn) error {
			_, r, err := c.Reader(context.Background())
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			return err
		},
		"Handle": func(c *Conn) error {
			closed := make(chan error)
			c.Handle(&Handler{OnClose: func(_ *Conn, err error) { closed <- err }})
			return <-closed
		},
		"skipped": func(c *Conn) error {
			_, _, err := c.Reader(context.Background())
			if err == nil {
				_, _, err = c.Read(context.Background())
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := deflating(deflateParams{}, Compression{})
			cfg.readLimit = 2 << 20
			c, p := open(t, tcpPair, false, cfg)
			go func() { p.Write(raw(fin|bitRSV1|2, string(bomb)).bytes(true)); p.Close() }()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read(c)
			runtime.ReadMemStats(&after)
			var pe *ProtocolError
			require.ErrorAs(t, err, &pe)
			require.Equal(t, StatusMessageTooBig, pe.Code)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "of 1 GiB")
		})
	}
}

// Fragments that inflate to nothing are counted, and so are empty ones.
func TestWithstandsFragmentsThatInflateToNothing(t *testing.T) {
	for _, payload := range []string{"", "\x00\x00\x00\xff\xff"} {
		c, p := open(t, tcpPair, false, deflating(deflateParams{}, Compression{}))
		go func() {
			defer p.Close()
			wire := raw(bitRSV1|2, payload).bytes(true)
			for range 1000 {
				wire = append(wire, raw(0, payload).bytes(true)...)
			}
			for range 1000 {
				if _, err := p.Write(wire); err != nil {
					return
				}
				wire = bytes.TrimPrefix(wire, raw(bitRSV1|2, payload).bytes(true))
			}
		}()
		require.Equal(t, StatusPolicyViolation, failure(t, c))
	}
}

// Blocks that inflate to nothing, in one frame after the other without an end,
// are bounded by the read limit too.
func TestWithstandsBlocksThatInflateToNothing(t *testing.T) {
	cfg := deflating(deflateParams{}, Compression{})
	cfg.readLimit, cfg.closeTimeout = 1<<20, 100*time.Millisecond // a peer that goes on is listened to no longer
	c, p := open(t, tcpPair, false, cfg)
	go func() {
		defer p.Close()
		empty := strings.Repeat("\x00\x00\x00\xff\xff", 10_000)
		first := byte(bitRSV1 | 2)
		for {
			if _, err := p.Write(raw(first, empty).bytes(true)); err != nil {
				return
			}
			first = 0
		}
	}()
	require.Equal(t, StatusMessageTooBig, failure(t, c))
}

// UTF-8 fails at the first impossible byte that can be known of, through
// compression and in the middle of a frame that is not finished.
func TestWithstandsBadUTF8ThroughCompression(t *testing.T) {
	z := deflated(t, []byte("fine so far \xff and more that is never sent"), -2, nil)
	c, p := open(t, tcpPair, false, deflating(deflateParams{}, Compression{}))
	ended := make(chan StatusCode, 1)
	go func() { ended <- failure(t, c) }()
	f := raw(bitRSV1|1, string(z[:len(z)-6])).declaring(100_000)
	_, err := p.Write(f.bytes(true))
	require.NoError(t, err)
	require.Contains(t, p.receive(t).payload, "\x03\xef") // 1007
	p.Close()
	require.Equal(t, StatusInvalidFramePayloadData, <-ended)
}

// A peer that sends RST instead of each part of the handshake and of the close is
// an error there and leaves nothing open.
func TestWithstandsResetAtEachStep(t *testing.T) {
	reset := func(c net.Conn) {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	request := "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for cut := 0; cut < len(request); cut += 13 {
		a, b := tcpPair(t)
		io.WriteString(b, request[:cut])
		reset(b)
		_, err := Upgrade(a, nil)
		require.Error(t, err)
	}
	response := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
	for cut := 0; cut < len(response); cut += 13 {
		a, b := tcpPair(t)
		go func() {
			b.Read(make([]byte, 4096))
			io.WriteString(b, response[:cut])
			reset(b)
		}()
		_, _, err := Dial(t.Context(), "ws://h/", &DialOptions{Rand: zeroes{}, DialContext: func(context.Context, string, string) (net.Conn, error) { return a, nil }})
		require.Error(t, err)
	}
	for _, client := range []bool{false, true} {
		// Before our close frame, after it, and in the middle of the peer's.
		for cut := -1; cut < 4; cut++ {
			c, p := open(t, tcpPair, client, connConfig{})
			if cut < 0 {
				reset(p.Conn)
				require.Error(t, c.Close(1000, ""))
				continue
			}
			go func() {
				p.receive(t)
				p.Write(closing(1000, "").bytes(p.client)[:cut])
				reset(p.Conn)
			}()
			err := c.Close(1000, "")
			require.Error(t, err)
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
		}
	}
}

// A peer that never reads: a Write ends with its context or the WriteTimeout, and
// what is kept for it is bounded.
func TestWithstandsAReaderThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{writeTimeout: 8 * time.Second})
		start := time.Now()
		err := c.Write(context.Background(), MessageText, make([]byte, 100_000))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.ErrorContains(t, err, "does not read")
		require.LessOrEqual(t, time.Since(start), 8*time.Second+askTime)
		require.GreaterOrEqual(t, time.Since(start), 4*time.Second)
		p.Close()
	})
}

// A peer that reads slowly, and without a pause, is not given up, however large the
// message or what was held is; one that reads a byte now and then is.
func TestSlowReaderIsKept(t *testing.T) {
	const size, timeout = 500_000, 8 * time.Second
	read := func(t *testing.T, part int, write func(c *Conn) error) (took time.Duration, err error) {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := newConn(a, connConfig{writeTimeout: timeout})
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for buf := make([]byte, part); ; time.Sleep(time.Second) {
					if _, err := io.ReadFull(b, buf); err != nil {
						return
					}
				}
			}()
			start := time.Now()
			err = write(c)
			took = time.Since(start)
			c.CloseNow()
			<-ended
			b.Close()
		})
		return took, err
	}
	for name, write := range map[string]func(c *Conn) error{
		"a message": func(c *Conn) error {
			return c.Write(context.Background(), MessageBinary, make([]byte, size))
		},
		"a batch": func(c *Conn) error {
			return c.Batch(func() error {
				for range 50 {
					if err := c.Write(context.Background(), MessageBinary, make([]byte, size/50)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			took, err := read(t, 20_000, write)
			require.NoError(t, err)
			require.Greater(t, took, 2*timeout)
			took, err = read(t, 1, write)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.LessOrEqual(t, took, timeout+askTime)
		})
	}
}

// A flood of pings in event mode, from a peer that does not read: what is held is
// bounded and the connection ends in bounded time.
func TestWithstandsAPingFloodInEventMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := newConn(a, connConfig{writeTimeout: 6 * time.Second})
		closed := make(chan error, 1)
		c.Handle(&Handler{OnClose: func(_ *Conn, err error) { closed <- err }})
		wire := bytes.Repeat(pinging("flood").bytes(true), 100)
		go func() {
			for {
				if _, err := b.Write(wire); err != nil {
					return
				}
			}
		}()
		start := time.Now()
		require.ErrorIs(t, <-closed, os.ErrDeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), 6*time.Second+askTime)
		b.Close()
	})
}

// Garbage where a compressed message should be, of every first byte: 1007, or a
// message; never anything else.
func TestWithstandsGarbageDeflate(t *testing.T) {
	var failed int
	for first := range 256 {
		c, p := open(t, tcpPair, false, deflating(deflateParams{}, Compression{}))
		go func() {
			p.Write(raw(fin|bitRSV1|2, string([]byte{byte(first)})+strings.Repeat("\xa7\x13\x55\xfe", 50)).bytes(true))
			p.Write(closing(1000, "").bytes(true))
			io.Copy(io.Discard, p.Conn) // to the end of what the server sends
			p.Close()
		}()
		_, _, err := c.Read(t.Context())
		if err != nil {
			var pe *ProtocolError
			require.ErrorAs(t, err, &pe, "first byte %#x", first)
			require.Equal(t, StatusInvalidFramePayloadData, pe.Code)
			failed++
		}
		c.CloseNow()
	}
	require.Greater(t, failed, 200)
}

// 65,536 compressed fragments of 64 bytes are a message.
func TestManyCompressedFragmentsAreAMessage(t *testing.T) {
	noise := sampleTexts()["noise"]
	m := bytes.Repeat(noise, 20)
	z := bytes.TrimSuffix(deflated(t, m, 0, nil), deflateTail)
	c, p := open(t, tcpPair, false, deflating(deflateParams{}, Compression{}))
	go func() {
		var wire []byte
		first := byte(bitRSV1 | 2)
		for len(z) > 64 {
			wire = append(wire, raw(first, string(z[:64])).bytes(true)...)
			z, first = z[64:], 0
		}
		p.Write(append(wire, raw(fin, string(z)).bytes(true)...))
	}()
	_, got, err := c.Read(t.Context())
	require.NoError(t, err)
	require.True(t, bytes.Equal(m, got))
	require.Greater(t, len(m)/64, 60_000)
}

// Connections that open, echo and close in random order leave nothing: neither
// goroutine (which the package's TestMain looks for) nor an entry in the poller.
func TestManyConnectionsLeaveNothing(t *testing.T) {
	const n = 300
	errs := make(chan error, n)
	for i := range n {
		a, b := tcpPair(t)
		server := newConn(a, connConfig{})
		client := newConn(b, connConfig{client: true, rand: zeroes{}})
		closed := make(chan error, 1)
		server.Handle(echoHandler(closed))
		go func() {
			for j := range i % 17 {
				m := fmt.Appendf(nil, "%d of %d", j, i)
				if err := client.Write(context.Background(), MessageText, m); err != nil {
					errs <- err
					return
				}
				if _, got, err := client.Read(context.Background()); err != nil || !bytes.Equal(m, got) {
					errs <- fmt.Errorf("%q: %w", got, err)
					return
				}
			}
			switch i % 3 {
			case 0:
				client.CloseNow()
			case 1:
				client.Close(1000, "")
			default:
				server.Close(1000, "")
				client.Read(context.Background())
			}
			<-closed
			errs <- nil
		}()
	}
	for range n {
		require.NoError(t, <-errs)
	}
}
