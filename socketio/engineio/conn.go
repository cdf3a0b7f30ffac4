package engineio

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"strata/trace"
)

// Conn is a client's side of a session. All methods may be called from any
// goroutine.
type Conn struct {
	opts       DialOptions
	transports []Transport
	url        *url.URL
	id         string
	silence    time.Duration // without a ping, after which the server is gone
	maxPayload int           // of a POST, bytes; 0: the server did not say
	upgrades   []string      // that the server offers
	limits     [2]int        // packets, bytes
	trace      tracer
	handler    Handler
	silent     *time.Timer
	finish     sync.Once
	finished   chan struct{}      // closed when the handler's Closed has returned
	requests   context.Context    // of long-polling
	cancel     context.CancelFunc // ends them
	http       *http.Client       // nil: it was never long-polling
	early      []byte             // the rest of the payload that opened the session

	mu        sync.Mutex
	state     state
	transport Transport
	conn      carrier // that carries the session; nil: long-polling does
	probe     carrier // that it will change to; nil: none
	flow      trace.Flow
	paused    bool          // nothing is sent, and no poll begun: it is about to change
	idle      chan struct{} // closed when, paused, nothing is under way
	polling   bool          // a poll is under way
	queue     sendQueue
	flushing  bool
	reason    Reason // given by whoever ends the session first
	err       error
}

func newClientConn(u *url.URL, opts *DialOptions, transports []Transport) *Conn {
	c := &Conn{
		opts: *opts, transports: transports, url: u, limits: [2]int{opts.SendPackets, opts.SendBytes},
		trace: tracer{opts.Recorder, opts.Host}, finished: make(chan struct{}),
	}
	orDefault(&c.limits[0], DefaultSendPackets)
	orDefault(&c.limits[1], DefaultSendBytes)
	c.requests, c.cancel = context.WithCancel(context.Background())
	return c
}

// start has the open session read.
func (c *Conn) start(accept func(*Conn) Handler) {
	c.silent = time.AfterFunc(c.silence, func() { c.end(PingTimeout, nil) })
	c.handler = accept(c)
	if c.conn != nil {
		go c.read()
		return
	}
	c.mu.Lock()
	c.polling = true
	c.mu.Unlock()
	go c.poll()
	if len(c.betters()) > 0 {
		go c.upgrade()
	}
}

// ID is the session's id: a secret between the client and the server.
func (c *Conn) ID() string { return c.id }

// Transport is what carries the session at the moment.
func (c *Conn) Transport() Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transport
}

// Flow is the connection that carries the session, for long-polling the one that
// was used last; zero without a Recorder.
func (c *Conn) Flow() trace.Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flow
}

// Done is closed when the session has ended and the handler was told.
func (c *Conn) Done() <-chan struct{} { return c.finished }

// Waiting is what waits to be sent.
func (c *Conn) Waiting() (packets, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.count, c.queue.bytes
}

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
	c.trace.queued(c.flow, c.id, messages)
	c.kick()
	c.mu.Unlock()
	return nil
}

// SendVolatile sends messages where nothing waits to be sent; otherwise they are
// dropped, and it reports false.
func (c *Conn) SendVolatile(messages ...Outgoing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != open || c.queue.count > 0 || c.paused {
		return false
	}
	c.queue.add(c.limits[0], c.limits[1], messages...)
	c.trace.queued(c.flow, c.id, messages)
	c.kick()
	return true
}

// kick has what waits sent. The caller has mu.
func (c *Conn) kick() {
	if c.flushing || c.paused {
		return
	}
	c.flushing = true
	go c.flush()
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
	c.mu.Lock()
	c.state = closed
	if c.reason == "" {
		c.reason, c.err = reason, err
	}
	conn, probe := c.conn, c.probe
	c.probe = nil
	if c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
	c.mu.Unlock()
	c.cancel()
	if probe != nil {
		probe.closeNow()
	}
	if conn != nil {
		conn.closeNow()
	}
}

// over tells the handler of the end. It is called by whoever reads last.
func (c *Conn) over() {
	c.finish.Do(func() {
		defer close(c.finished)
		c.silent.Stop()
		c.cancel()
		if c.http != nil {
			c.http.CloseIdleConnections()
		}
		c.mu.Lock()
		reason, err := c.reason, c.err
		c.queue.drop()
		c.mu.Unlock()
		c.handler.Closed(reason, err)
	})
}

// flush sends what waits. There is at most one goroutine that does, and only
// while something waits.
func (c *Conn) flush() {
	for {
		c.mu.Lock()
		if c.state == closed {
			c.flushing = false
			c.mu.Unlock()
			return
		}
		conn, flow := c.conn, c.flow
		var batch []Outgoing
		if !c.paused {
			batch = c.queue.take()
		}
		if len(batch) == 0 {
			c.flushing = false
			last := c.state == closing && !c.paused
			c.rested()
			c.mu.Unlock()
			if last {
				c.goodbye(conn)
			}
			return
		}
		c.mu.Unlock()
		if err := c.write(conn, flow, batch); err != nil {
			// Where the connection has ended, the reader knows better why,
			// and says so.
			if !errors.Is(err, net.ErrClosed) {
				reason := TransportClose
				if conn == nil {
					reason = TransportError
				}
				c.end(reason, err)
			}
			return
		}
		c.mu.Lock()
		c.queue.reuse(batch)
		c.mu.Unlock()
	}
}

// write sends packets by what carries the session.
func (c *Conn) write(conn carrier, flow trace.Flow, batch []Outgoing) error {
	if conn == nil {
		return c.post(batch)
	}
	for _, p := range batch {
		c.trace.engine(trace.Out, flow, p.typ(), c.id, conn.transport(), p.dataLen())
		if err := conn.write(p); err != nil {
			return err
		}
		c.mu.Lock()
		c.queue.wrote(p)
		c.mu.Unlock()
	}
	return nil
}

// goodbye is the end of a session that was closed here, after what waited was
// sent.
func (c *Conn) goodbye(conn carrier) {
	if conn != nil {
		conn.close(normal)
		return
	}
	_ = c.post([]Outgoing{outgoingPacket(packetClose, "")}) // the server finds out, one way or the other
	c.end(ForcedClose, nil)
}

// read takes what comes over what carries the session until it ends.
func (c *Conn) read() {
	defer c.over()
	for {
		p, err := c.conn.read(context.Background())
		if err != nil {
			c.end(connectionEnd(err), err)
			return
		}
		if !c.receive(p, c.conn.transport()) {
			return
		}
	}
}

// receive takes a packet from the server. It reports false where it was the
// last.
func (c *Conn) receive(p packet, t Transport) bool {
	c.trace.engine(trace.In, c.Flow(), p.typ, c.id, t, len(p.data))
	switch p.typ {
	case packetClose:
		c.end(TransportClose, nil)
		return false
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
	return true
}
