package engineio

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"strata/trace"
	"strata/ws"
)

// DialOptions are a client's wishes. The zero value works.
type DialOptions struct {
	// DialContext opens the connection below. nil: a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// TLSConfig is for https and wss. nil: the standard library's, which
	// verifies the server.
	TLSConfig *tls.Config

	// Header goes with the request.
	Header http.Header

	// MaxMessage is the largest message that is read, bytes. 0: 16 MiB.
	MaxMessage int

	// SendPackets and SendBytes bound what waits to be sent. 0: as for a
	// server.
	SendPackets int
	SendBytes   int

	// Rand is where the WebSocket's masks come from. nil: crypto/rand.
	Rand io.Reader

	// Recorder is told of the upgrade, frames and packets. nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string
}

const defaultMaxMessage = 16 << 20

// Conn is a client's side of a session. All methods may be called from any
// goroutine.
type Conn struct {
	conn     *ws.Conn
	id       string
	silence  time.Duration // without a ping, after which the server is gone
	limits   [2]int        // packets, bytes
	trace    tracer
	flow     trace.Flow
	handler  Handler
	silent   *time.Timer
	finished chan struct{} // closed when the handler's Closed has returned

	mu       sync.Mutex
	state    state
	queue    sendQueue
	flushing bool
	reason   Reason // given by whoever ends the session first
	err      error
}

// Dial opens a session over WebSocket with the server whose Engine.IO is at
// rawURL ("http://host/socket.io/"; https, ws and wss as well). ctx bounds the
// opening only. accept returns who is told of messages and the end; it is
// called before anything is read after the handshake, and may already Send.
func Dial(ctx context.Context, rawURL string, opts *DialOptions, accept func(*Conn) Handler) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("engine.io: dial: %w", err)
	}
	q := u.Query()
	q.Set("EIO", "4")
	q.Set("transport", string(WebSocket))
	u.RawQuery = q.Encode()
	limit := opts.MaxMessage
	orDefault(&limit, defaultMaxMessage)
	conn, _, err := ws.Dial(ctx, u.String(), &ws.DialOptions{
		DialContext: opts.DialContext, TLSConfig: opts.TLSConfig, Header: opts.Header,
		ReadLimit: int64(limit), Rand: opts.Rand, Recorder: opts.Recorder, Host: opts.Host,
	})
	if err != nil {
		return nil, fmt.Errorf("engine.io: %w", err)
	}
	c := &Conn{
		conn: conn, limits: [2]int{opts.SendPackets, opts.SendBytes},
		trace: tracer{opts.Recorder, opts.Host}, finished: make(chan struct{}),
	}
	orDefault(&c.limits[0], DefaultSendPackets)
	orDefault(&c.limits[1], DefaultSendBytes)
	if c.trace.on() {
		c.flow = trace.FlowOf(conn.LocalAddr(), conn.RemoteAddr())
	}
	if err := c.readOpen(ctx); err != nil {
		conn.CloseNow()
		return nil, fmt.Errorf("engine.io: dial %s: %w", rawURL, err)
	}
	c.silent = time.AfterFunc(c.silence, func() { c.end(PingTimeout, nil) })
	c.handler = accept(c)
	go c.read()
	return c, nil
}

// readOpen reads the first packet, which has to be the server's open.
func (c *Conn) readOpen(ctx context.Context) error {
	p, err := readPacket(ctx, c.conn)
	if err != nil {
		return err
	}
	var data openData
	if p.typ != packetOpen || json.Unmarshal(p.data, &data) != nil || data.SID == "" || data.PingInterval <= 0 || data.PingTimeout <= 0 {
		return errors.New("the server did not begin with an Engine.IO open packet")
	}
	c.trace.engine(trace.In, c.flow, packetOpen, data.SID, WebSocket, len(p.data))
	const longest = int64(24 * time.Hour / time.Millisecond) // so that the sum cannot overflow
	c.id = data.SID
	c.silence = time.Duration(min(data.PingInterval, longest)+min(data.PingTimeout, longest)) * time.Millisecond
	return nil
}

// ID is the session's id: a secret between the client and the server.
func (c *Conn) ID() string { return c.id }

// Flow is the connection that carries the session; zero without a Recorder.
func (c *Conn) Flow() trace.Flow { return c.flow }

// Done is closed when the session has ended and the handler was told.
func (c *Conn) Done() <-chan struct{} { return c.finished }

// Send queues messages for the server; those of one call stay together. It does
// not wait: where more waits than the options allow the session ends with
// [ErrSlow]. After the end the error is [ErrClosed].
func (c *Conn) Send(messages ...Outgoing) error {
	c.mu.Lock()
	if c.state != open {
		c.mu.Unlock()
		return ErrClosed
	}
	if !c.queue.add(c.limits[0], c.limits[1], messages...) {
		c.mu.Unlock()
		c.end(TransportError, ErrSlow)
		return ErrSlow
	}
	c.kick()
	c.mu.Unlock()
	return nil
}

// kick has what waits sent. The caller has mu.
func (c *Conn) kick() {
	if !c.flushing {
		c.flushing = true
		go c.flush()
	}
}

// Close ends the session after what waits was sent. It does not wait for that:
// see Done.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == open {
		c.state, c.reason = closing, ForcedClose
		c.silent.Reset(closeTimeout) // pings no longer move it
		c.kick()
	}
}

// end cuts the session off. The reader finds out, and tells the handler.
func (c *Conn) end(reason Reason, err error) {
	c.setReason(reason, err)
	c.conn.CloseNow()
}

// setReason keeps the first reason.
func (c *Conn) setReason(reason Reason, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = closed
	if c.reason == "" {
		c.reason, c.err = reason, err
	}
}

func (c *Conn) flush() {
	for {
		c.mu.Lock()
		if c.state == closed {
			c.mu.Unlock()
			return
		}
		batch := c.queue.take()
		if len(batch) == 0 {
			c.flushing = false
			last := c.state == closing
			c.mu.Unlock()
			if last {
				_ = c.conn.Close(normal, "")
			}
			return
		}
		c.mu.Unlock()
		for _, p := range batch {
			c.trace.engine(trace.Out, c.flow, p.typ(), c.id, WebSocket, p.dataLen())
			if err := writePacket(c.conn, p, false); err != nil {
				if !errors.Is(err, net.ErrClosed) {
					c.end(TransportClose, err)
				}
				return
			}
			c.mu.Lock()
			c.queue.wrote(p)
			c.mu.Unlock()
		}
		c.mu.Lock()
		c.queue.reuse(batch)
		c.mu.Unlock()
	}
}

// read takes what comes until the session ends.
func (c *Conn) read() {
	defer close(c.finished)
	for {
		p, err := readPacket(context.Background(), c.conn)
		if err != nil {
			c.end(connectionEnd(err), err)
			break
		}
		c.trace.engine(trace.In, c.flow, p.typ, c.id, WebSocket, len(p.data))
		if p.typ == packetClose {
			c.end(TransportClose, nil)
			break
		}
		switch p.typ {
		case packetPing:
			c.mu.Lock()
			if c.state == open {
				c.silent.Reset(c.silence)
				c.queue.add(int(^uint(0)>>1), int(^uint(0)>>1), outgoingPacket(packetPong, string(p.data)))
				c.kick()
			}
			c.mu.Unlock()
		case packetMessage:
			c.mu.Lock()
			live := c.state == open
			c.mu.Unlock()
			if live {
				c.handler.Message(Message{Binary: p.binary, Data: p.data})
			}
		}
	}
	c.silent.Stop()
	c.mu.Lock()
	reason, err := c.reason, c.err
	c.queue.drop()
	c.mu.Unlock()
	c.handler.Closed(reason, err)
}
