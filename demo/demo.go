// Package demo lets a client and a server talk over a wire in memory, and
// prints what happens on every layer: what the command strata demo does.
package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"strata/link"
	"strata/serve/site"
	"strata/socketio/client"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
	"strata/trace/ladder"
)

// Config says how to print.
type Config struct {
	Stdout io.Writer
	JSON   bool // JSON lines
	Color  bool // Stdout is a terminal that shows colours
	Width  int  // of that terminal, columns; 0 is 100
}

// timeout bounds a conversation that takes milliseconds.
const timeout = 10 * time.Second

// Run has one conversation.
func Run(ctx context.Context, c Config) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	rec := recorder(c)
	err := converse(ctx, rec)
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
			trace.Physical:     "a wire in memory",
		},
	})
}

func converse(ctx context.Context, rec trace.Recorder) error {
	wire := link.NewWire(link.WireConfig{Ethernet: true})
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
	s := site.New(site.Config{Recorder: rec, Host: "server"})
	srv := &http.Server{Handler: s, ReadHeaderTimeout: timeout}
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
