package workload

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"strata/socketio"
	"strata/socketio/client"
)

// patience is how long anything may take before it counts as failed: longer than
// a handshake with six losses in a row.
const patience = 5 * time.Minute

// serve serves HTTP at an address of a host until stop, or until the net closes.
func serve(n Net, h Host, address string, handler http.Handler) (stop func(), err error) {
	ln, err := h.Listen(address)
	if err != nil {
		return nil, err
	}
	hs := &http.Server{Handler: handler, ErrorLog: quietLog()}
	go hs.Serve(ln)
	stop = func() { _ = hs.Close() }
	n.OnClose(stop)
	return stop, nil
}

// quiet is a logger for what is part of an experiment.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// deadlineFrom bounds what a connection is used for.
func deadlineFrom(c net.Conn) { _ = c.SetDeadline(time.Now().Add(patience)) }

// newSocketIO makes a Socket.IO server of the net's, with the heartbeat of the
// parameters.
func newSocketIO(n Net, p *Params, rand string) *socketio.Server {
	o := &socketio.Options{
		Rand: n.Rand("socket.io " + rand), Logger: quiet(),
		PingInterval: p.PingInterval, PingTimeout: p.PingTimeout,
		CompressHTTP: -1,
	}
	if rec := n.Recorder(); rec != nil {
		o.Recorder, o.Host = rec, n.Server().Name()
	}
	return socketio.NewServer(o)
}

// serveSocketIO serves one on port 80; stop ends its connections too.
func serveSocketIO(n Net, p *Params, rand string) (io *socketio.Server, stop func(), err error) {
	io = newSocketIO(n, p, rand)
	stopHTTP, err := serve(n, n.Server(), ":80", io)
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = io.Close(context.Background())
		stopHTTP()
	}
	n.OnClose(stop)
	return io, stop, nil
}

// newClient makes a Socket.IO client at a host of the net, not connected yet, and
// closed with the net.
func newClient(n Net, h Host, name string, change func(*client.Options)) (*client.Socket, error) {
	o := &client.Options{DialContext: h.DialContext, Rand: n.Rand("socket.io client " + name), Logger: quiet()}
	if rec := n.Recorder(); rec != nil {
		o.Recorder, o.Host = rec, h.Name()
	}
	if change != nil {
		change(o)
	}
	c, err := client.New("http://"+n.Server().Name()+"/", o)
	if err != nil {
		return nil, err
	}
	n.OnClose(func() { _ = c.Close() })
	return c, nil
}

// connect tries until the socket is connected.
func connect(ctx context.Context, c *client.Socket) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := c.Connect(ctx)
		var refused *client.ConnectError
		if err == nil || ctx.Err() != nil || errors.As(err, &refused) {
			return err
		}
	}
}

// until lets time pass until done, at most d, and reports whether it is. It looks
// ten times a second.
func until(n Net, d time.Duration, done func() bool) bool {
	return untilWithin(n, d, 100*time.Millisecond, done)
}

// untilWithin looks once a step.
func untilWithin(n Net, d, step time.Duration, done func() bool) bool {
	for end := n.Elapsed() + d; !done(); n.Sleep(min(step, end-n.Elapsed())) {
		if n.Elapsed() >= end {
			return false
		}
	}
	return true
}

// round trip time of the path without queues.
func (p *Params) rtt() time.Duration { return p.Shape.Delay.Time + p.Back.Delay.Time }
