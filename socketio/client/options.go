package client

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"

	"strata/socketio/engineio"
	"strata/trace"
)

// Options are a client's wishes. The zero value works.
type Options struct {
	// Auth goes to the server with the request to join the namespace: a
	// value that JSON writes as an object. nil: none.
	Auth any

	// Path is where the server has its Socket.IO. "": "/socket.io/".
	Path string

	// Transports to use. Only WebSocket is there yet; empty means it.
	Transports []engineio.Transport

	// DialContext opens the connection below. nil: a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// TLSConfig is for https and wss. nil: the standard library's, which
	// verifies the server.
	TLSConfig *tls.Config

	// Header goes with the request.
	Header http.Header

	// MaxMessage is the largest message that is read, bytes. 0: 16 MiB.
	MaxMessage int

	// Logger is told of handlers that panicked and of events that did not
	// fit their handlers. nil: slog.Default.
	Logger *slog.Logger

	// Rand is where the WebSocket's masks come from. nil: crypto/rand.
	Rand io.Reader

	// Recorder is told of the upgrade, frames, Engine.IO and Socket.IO
	// packets. nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string
}
