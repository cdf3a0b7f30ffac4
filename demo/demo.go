// Package demo lets a client and a server talk over a wire in memory, and
// prints what happens on every layer: what the command strata demo does.
package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"strata/link"
	"strata/serve/drain"
	"strata/serve/site"
	"strata/socketio/client"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
	"strata/trace/ladder"
)

// Config says how to print.
type Config struct {
	// Shape is what the wire does to the server's packets, Back what it does to
	// the client's; zero is nothing. Seed is what they leave to chance.
	Shape, Back link.Shape
	Seed        uint64

	Stdout io.Writer
	JSON   bool // JSON lines
	Color  bool // Stdout is a terminal that shows colours
	Width  int  // of that terminal, columns; 0 is 100
}

// timeout bounds a conversation that takes milliseconds over a perfect wire;
// shapedTimeout bounds one over a wire with a shape, beside its round trips:
// several losses in a row wait for several timeouts of TCP, each twice as long
// as the one before.
const (
	timeout       = 10 * time.Second
	shapedTimeout = 2 * time.Minute
	roundTrips    = 40 // more than the conversation takes
)

// timeout is how long the conversation may take.
func (c *Config) timeout() time.Duration {
	if c.Shape.String() == "" && c.Back.String() == "" {
		return timeout
	}
	oneWay := func(d link.Delay) time.Duration { return d.Time + 4*d.Jitter }
	return shapedTimeout + roundTrips*(oneWay(c.Shape.Delay)+oneWay(c.Back.Delay))
}

// Run has one conversation.
func Run(ctx context.Context, c Config) error {
	for _, s := range []link.Shape{c.Shape, c.Back} {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	rec := recorder(c)
	err := converse(ctx, c, rec)
	if cerr := rec.Close(); err == nil {
		err = cerr
	}
	return err
}

type closingRecorder interface {
	trace.Recorder
	io.Closer
}

func recorder(c Config) closingRecorder {
	if c.JSON {
		return ladder.JSON(c.Stdout)
	}
	return ladder.New(c.Stdout, ladder.Options{
		Which: ladder.Conversation, Host: "server", Local: "server", Peer: "client", Color: c.Color, Width: c.Width,
		Layers: map[trace.Layer]string{
			trace.Application:  "Socket.IO: events and their acks",
			trace.Presentation: "WebSocket frames: masked by the client, text is UTF-8",
			trace.Session:      "HTTP upgrade; Engine.IO opens, pings and closes the session",
			trace.Transport:    "TCP: SYN, SYN-ACK, ACK; then segments",
			trace.Network:      "IPv4 from 10.0.0.1 to 10.0.0.2",
			trace.DataLink:     "Ethernet: ARP finds the address 02:00:00:00:00:0a",
			trace.Physical:     "a wire in memory" + c.said(),
		},
	})
}

// closing is how long the peers may take to say goodbye.
func (c *Config) closing() time.Duration { return min(c.timeout()/10, 10*time.Second) }

// said is what the wire does, in words.
func (c *Config) said() string {
	there, back := c.Shape.String(), c.Back.String()
	switch {
	case there == back && there == "":
		return ""
	case there == back:
		return ": " + there
	}
	return ": out " + cmp.Or(there, "perfect") + ", in " + cmp.Or(back, "perfect")
}

func converse(ctx context.Context, c Config, rec trace.Recorder) error {
	wire := link.NewWire(link.WireConfig{Name: "demo", Ethernet: true, Seed: c.Seed, AB: c.Shape, BA: c.Back})
	defer wire.Close()
	server := stack.New(stack.Config{Name: "server", Recorder: rec})
	defer server.Close()
	phone := stack.New(stack.Config{Name: "client"})
	defer phone.Close()
	if _, err := server.Attach(wire.A(), netip.MustParsePrefix("10.0.0.2/24")); err != nil {
		return err
	}
	if _, err := phone.Attach(wire.B(), netip.MustParsePrefix("10.0.0.1/24")); err != nil {
		return err
	}

	ln, err := tcp.Listen(server, "tcp", ":80")
	if err != nil {
		return err
	}
	defer func() { // when both have closed, and before their hosts are
		if ctx.Err() == nil {
			drain.Wait(server, c.closing())
		}
	}()
	s := site.New(site.Config{Recorder: rec, Host: "server"})
	srv := &http.Server{Handler: s, ReadHeaderTimeout: c.timeout()}
	go srv.Serve(ln)
	defer func() {
		_ = s.Close(ctx)
		_ = srv.Shutdown(ctx)
	}()

	dialer := &tcp.Dialer{Host: phone}
	socket, err := client.Dial(ctx, "http://10.0.0.2/", &client.Options{DialContext: dialer.DialContext})
	if err != nil {
		return err
	}
	defer socket.Close()
	heard := make(chan string, 1)
	socket.On("chat message", func(text string) {
		select {
		case heard <- text:
		default:
		}
	})
	if _, err := socket.EmitWithAck(ctx, "hello", "layer 7"); err != nil {
		return err
	}
	if err := socket.Emit("chat message", "every layer carried this"); err != nil {
		return err
	}
	select {
	case <-heard:
	case <-ctx.Done():
		return fmt.Errorf("demo: the message did not come back: %w", ctx.Err())
	}
	return nil
}
