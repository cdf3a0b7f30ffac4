package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/parser"
	"strata/trace"
	"strata/ws"
)

// Options are a client's wishes. The zero value works.
type Options struct {
	// Auth goes to the server with the request to join the namespace: a
	// value that JSON writes as an object. nil: none.
	Auth any

	// AuthFunc is asked for what Auth is otherwise, each time the socket
	// connects: for tokens that expire. nil: Auth. An error is one of
	// connecting.
	AuthFunc func(ctx context.Context) (any, error)

	// Path is where the server has its Socket.IO. "": "/socket.io/".
	Path string

	// Transports to use. The connection opens with the first; where that is
	// long-polling and WebSocket or WebTransport is among the others, it
	// changes to it.
	// Empty: WebSocket only, which is one round trip quicker than what the
	// official client does: {Polling, WebSocket}.
	Transports []engineio.Transport

	// TryAllTransports has the next transport tried where the connection
	// does not open with the first.
	TryAllTransports bool

	// NoUpgrade keeps a connection that opened as long-polling as it is.
	NoUpgrade bool

	// RememberUpgrade opens with WebSocket at once when that worked before.
	RememberUpgrade bool

	// DialContext opens the connections below. nil: a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// DialWebTransport opens the streams of WebTransport: the method Dial of a
	// strata/socketio/webtransport.Dialer. nil: it cannot be used.
	DialWebTransport func(ctx context.Context, url string) (net.Conn, error)

	// Compression has messages over WebSocket compressed, where the server
	// agrees (RFC 7692). nil: it is not offered. (The official client offers
	// it, for messages from 1,024 bytes on; the official server does not
	// agree unless it is told to.)
	Compression *ws.Compression

	// TLSConfig is for https and wss. nil: the standard library's, which
	// verifies the server.
	TLSConfig *tls.Config

	// Header goes with the requests.
	Header http.Header

	// Jar keeps cookies over all connections. nil: none are kept.
	Jar http.CookieJar

	// RequestTimeout bounds each request of long-polling that sends. 0: not.
	RequestTimeout time.Duration

	// MaxMessage is the largest message that is read, bytes. 0: 16 MiB.
	MaxMessage int

	// Timeout bounds one attempt to connect. 0: 20 s.
	Timeout time.Duration

	// NoReconnection leaves it at the first connection.
	NoReconnection bool

	// ReconnectionAttempts is how often in a row a connection is tried
	// anew. 0: without end.
	ReconnectionAttempts int

	// ReconnectionDelay is how long the first new attempt waits, doubled
	// for each that follows up to ReconnectionDelayMax. 0: 1 s and 5 s.
	ReconnectionDelay    time.Duration
	ReconnectionDelayMax time.Duration

	// RandomizationFactor moves each delay by up to that part of it, up or
	// down, so that not all clients come back at once. 0: 0.5; negative:
	// not at all.
	RandomizationFactor float64

	// Retries has events sent again that are not answered within
	// AckTimeout, so many times: one at a time, in order. That the
	// connection was lost does not count. Every event then wants an ack
	// from the server. 0: events are sent once.
	Retries int

	// AckTimeout bounds how long an answer is waited for where the call
	// does not say: with Retries of one try (0: 10 s), otherwise of
	// EmitWithAck (0: its context's time).
	AckTimeout time.Duration

	// MessageIDs lets a server of package socketio, which has to be told as
	// well, recognize events that Retries sent twice, and handle them once.
	// Other servers do not notice.
	MessageIDs bool

	// MaxBuffered and MaxBufferedBytes bound what is kept of what is emitted
	// while disconnected. Beyond them emitting fails with ErrBufferFull. 0:
	// 16,384 events and 16 MiB.
	MaxBuffered      int
	MaxBufferedBytes int

	// Parser is how packets are written; the server has to use the same.
	// nil: parser.Default.
	Parser parser.Format

	// Logger is told of handlers that panicked and of events that did not
	// fit their handlers. nil: slog.Default.
	Logger *slog.Logger

	// Rand is where masks, jitter and ids come from. nil: crypto/rand.
	Rand io.Reader

	// Recorder is told of the upgrade, frames, Engine.IO and Socket.IO
	// packets. nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string
}

// The official client's defaults.
const (
	DefaultTimeout              = 20 * time.Second
	DefaultReconnectionDelay    = time.Second
	DefaultReconnectionDelayMax = 5 * time.Second
	DefaultRandomizationFactor  = 0.5
)

const defaultAckTimeout = 10 * time.Second

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	for _, t := range c.Transports {
		switch t {
		case engineio.Polling, engineio.WebSocket:
		case engineio.WebTransport:
			if c.DialWebTransport == nil {
				return c, errors.New("socket.io: transport webtransport wants the option DialWebTransport: see strata/socketio/webtransport")
			}
		default:
			return c, fmt.Errorf("socket.io: transport %q is not known: there are %q, %q and %q", t, engineio.Polling, engineio.WebSocket, engineio.WebTransport)
		}
	}
	for v, def := range map[*time.Duration]time.Duration{
		&c.Timeout: DefaultTimeout, &c.ReconnectionDelay: DefaultReconnectionDelay, &c.ReconnectionDelayMax: DefaultReconnectionDelayMax,
	} {
		if *v <= 0 {
			*v = def
		}
	}
	if c.RandomizationFactor == 0 {
		c.RandomizationFactor = DefaultRandomizationFactor
	}
	if c.Retries > 0 && c.AckTimeout <= 0 {
		c.AckTimeout = defaultAckTimeout
	}
	if c.MaxBuffered <= 0 {
		c.MaxBuffered = engineio.DefaultSendPackets
	}
	if c.MaxBufferedBytes <= 0 {
		c.MaxBufferedBytes = engineio.DefaultSendBytes
	}
	if c.Parser == nil {
		c.Parser = parser.Default
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if len(c.Transports) == 0 {
		c.Transports = []engineio.Transport{engineio.WebSocket}
	}
	return c, nil
}

// dial is the options of a connection; quick has it open with WebSocket.
func (o *Options) dial(quick bool, upgraded func()) *engineio.DialOptions {
	d := &engineio.DialOptions{
		Transports: o.Transports, TryAllTransports: o.TryAllTransports, NoUpgrade: o.NoUpgrade,
		DialContext: o.DialContext, TLSConfig: o.TLSConfig, Header: o.Header, Jar: o.Jar,
		RequestTimeout: o.RequestTimeout, MaxMessage: o.MaxMessage, OnUpgrade: upgraded,
		DialWebTransport: o.DialWebTransport, Compression: o.Compression,
		SendPackets: o.MaxBuffered, SendBytes: o.MaxBufferedBytes,
		Rand: o.Rand, Recorder: o.Recorder, Host: o.Host,
	}
	if quick && slices.Contains(o.Transports, engineio.WebSocket) {
		rest := slices.DeleteFunc(slices.Clone(o.Transports), func(t engineio.Transport) bool { return t == engineio.WebSocket })
		d.Transports = append([]engineio.Transport{engineio.WebSocket}, rest...)
	}
	return d
}
