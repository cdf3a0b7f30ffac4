package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client is a connection that speaks raw frames.
type client struct {
	net.Conn
	buf  []byte
	r, w int // buf[r:w] is not parsed yet
	skip int // bytes of a frame's payload that are still to come
}

// bufferSize is what a client reads with.
const bufferSize = 64 << 10

// dialFunc opens a connection to the server.
type dialFunc func() (net.Conn, error)

func newClient(dial dialFunc, extensions string) (*client, error) {
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	request := "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://localhost\r\n"
	if extensions != "" {
		request += "Sec-WebSocket-Extensions: " + extensions + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, err
	}
	var response []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(response, []byte("\r\n\r\n")) {
		if _, err := conn.Read(b); err != nil {
			return nil, fmt.Errorf("handshake: %w", err)
		}
		response = append(response, b[0])
	}
	if !bytes.HasPrefix(response, []byte("HTTP/1.1 101")) {
		return nil, fmt.Errorf("handshake: %s", response)
	}
	if extensions != "" && !strings.Contains(string(response), "permessage-deflate") {
		return nil, errors.New("the server does not compress")
	}
	return &client{Conn: conn, buf: make([]byte, bufferSize)}, nil
}

// await reads until n frames have come.
func (c *client) await(n int) error {
	for {
		for n > 0 && c.r < c.w {
			if c.skip == 0 {
				size, head := frameSize(c.buf[c.r:c.w])
				if head == 0 {
					break
				}
				if c.buf[c.r]&0x0f == 8 {
					return fmt.Errorf("the server closed: %q", c.buf[c.r:c.w])
				}
				c.r += head
				c.skip = size
			}
			k := min(c.skip, c.w-c.r)
			c.r += k
			if c.skip -= k; c.skip == 0 {
				n--
			}
		}
		if n <= 0 {
			return nil
		}
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
		m, err := c.Read(c.buf[c.w:])
		if err != nil {
			return err
		}
		c.w += m
	}
}

// frameSize is a server's frame's payload and the size of its header; 0 where
// that is not all there.
func frameSize(b []byte) (size, head int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch n := int(b[1]); n {
	case 126:
		if len(b) < 4 {
			return 0, 0
		}
		return int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0, 0
		}
		return int(binary.BigEndian.Uint64(b[2:])), 10
	default:
		return n, 2
	}
}

// frame is a client's frame.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 65535:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := []byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, key...)
	for i, c := range payload {
		b = append(b, c^key[i%4])
	}
	return b
}

// load is what each connection does: bursts of messages, of which so many may be
// unanswered.
type load struct {
	frame   []byte
	burst   int // messages a write
	window  int // bursts
	conns   int
	seconds float64
	ext     string // extensions offered
}

// figure is what was measured of a server.
type figure struct {
	rate float64       // messages a second
	cpu  time.Duration // of the server, a message; 0: not known
}

// usageFunc asks what the server has used so far; nil: it is not a process.
type usageFunc func(settled bool) (usage, error)

// run measures.
func (l load) run(dial dialFunc, use usageFunc) (figure, error) {
	clients := make([]*client, l.conns)
	for i := range clients {
		var err error
		if clients[i], err = newClient(dial, l.ext); err != nil {
			return figure{}, err
		}
		defer clients[i].Close()
	}
	burst := bytes.Repeat(l.frame, l.burst)
	var count atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	errs := make(chan error, 2*l.conns)
	for _, c := range clients {
		free := make(chan struct{}, l.window)
		for range l.window {
			free <- struct{}{}
		}
		sent := make(chan struct{}, l.window)
		if l.window == 1 {
			wg.Go(func() {
				for !stop.Load() {
					if _, err := c.Write(burst); err != nil {
						errs <- err
						return
					}
					if err := c.await(l.burst); err != nil {
						errs <- err
						return
					}
					count.Add(int64(l.burst))
				}
			})
			continue
		}
		wg.Go(func() {
			defer close(sent)
			for range free {
				if stop.Load() {
					return
				}
				sent <- struct{}{}
				if _, err := c.Write(burst); err != nil {
					errs <- err
					return
				}
			}
		})
		wg.Go(func() {
			for range sent {
				if err := c.await(l.burst); err != nil {
					errs <- err
					c.Close()
					return
				}
				count.Add(int64(l.burst))
				free <- struct{}{}
			}
		})
	}
	warm := time.Duration(l.seconds / 4 * float64(time.Second))
	time.Sleep(warm)
	f, err := use.during(func() (int, error) {
		from := count.Load()
		time.Sleep(time.Duration(l.seconds * float64(time.Second)))
		return int(count.Load() - from), nil
	})
	stop.Store(true)
	wg.Wait()
	select {
	case err := <-errs:
		return figure{}, err
	default:
	}
	return f, err
}

// during measures what work does, which says how many messages that were.
func (use usageFunc) during(work func() (messages int, err error)) (figure, error) {
	var before, after usage
	var err error
	if use != nil {
		if before, err = use(false); err != nil {
			return figure{}, err
		}
	}
	start := time.Now()
	n, err := work()
	took := time.Since(start)
	if err == nil && use != nil {
		after, err = use(false)
	}
	if err != nil {
		return figure{}, err
	}
	return figure{float64(n) / took.Seconds(), (after.cpu - before.cpu) / time.Duration(max(1, n))}, nil
}
