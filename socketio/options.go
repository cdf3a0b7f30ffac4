package socketio

import (
	"crypto/rand"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/parser"
	"strata/trace"
	"strata/ws"
)

// Options are a server's wishes. The zero value works.
type Options struct {
	// Path is what the paths of requests begin with. "": "/socket.io".
	// Others are answered 404.
	Path string

	// ConnectTimeout is how long a client may be connected without joining
	// a namespace. 0: 45 s.
	ConnectTimeout time.Duration

	// Recovery has clients that lost their connection continue where they
	// were. nil: they start anew.
	Recovery *Recovery

	// MessageIDs has events recognized that a client of package client, with
	// its option of that name, sent twice: they are handled once, and
	// answered the same again.
	MessageIDs bool

	// CleanupEmptyChildNamespaces removes a dynamic namespace when its last
	// client has left.
	CleanupEmptyChildNamespaces bool

	// MaxNamespaces is how many namespaces one client may join. 0: 1,000.
	MaxNamespaces int

	// Parser is how packets are written; clients have to use the same. nil:
	// parser.Default.
	Parser parser.Format

	// Adapter makes what keeps the rooms of a namespace. nil: a
	// MemoryAdapter.
	Adapter func(*Namespace) Adapter

	// AllowEIO3 lets in clients of version 2 (socket.io-client before 3.0;
	// see engineio.Options for what else that opens). They are in "/" from
	// the start, what they call a namespace's query is their auth payload,
	// and their socket's id is what they take it for: the id of the
	// Engine.IO session, with the namespace in front where that is not "/".
	// That is a secret; do not show it to others where that matters. They
	// are not recovered.
	AllowEIO3 bool

	// ClientFiles holds the official client for browsers: socket.io.js and
	// the seven other files of its dist folder, of which those that are
	// there are served below Path. nil: none.
	ClientFiles fs.FS

	// Logger is told of handlers that panicked and of events that did not
	// fit their handlers. nil: slog.Default.
	Logger *slog.Logger

	// The following are as in engineio.Options, where their defaults are.

	PingInterval     time.Duration        // between an answer and the next ping. 0: 25 s
	PingTimeout      time.Duration        // for the answer. 0: 20 s
	UpgradeTimeout   time.Duration        // for the change to a WebSocket. 0: 10 s
	MaxPayload       int                  // of a request or message, bytes. 0: 1,000,000
	Transports       []engineio.Transport // empty: long-polling and WebSocket
	NoUpgrades       bool                 // sessions stay with long-polling
	AllowedOrigins   []string             // of pages, like "https://example.com". Empty: the server's own
	AllowCredentials bool                 // lets those pages send cookies
	SendPackets      int                  // that may wait for one client. 0: 16,384
	SendBytes        int                  // of those. 0: 16 MiB

	CompressHTTP int             // from which size polls are compressed, bytes. 0: 1,024; negative: never
	Compression  *ws.Compression // of WebSocket messages. nil: none
	Cookie       *http.Cookie    // that holds the Engine.IO session's id. nil: none

	GenerateID        func(*http.Request) (string, error) // of an Engine.IO session. nil: random
	AllowRequest      func(*http.Request) error           // refuses handshakes. nil: never
	InitialHeaders    func(http.Header, *http.Request)
	Headers           func(http.Header, *http.Request)
	OnConnectionError func(*engineio.ConnectionError)

	// Rand is where ids come from. nil: crypto/rand.
	Rand io.Reader

	// Recorder is told of requests, frames, Engine.IO and Socket.IO packets.
	// nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string
}

// DefaultConnectTimeout is the official server's.
const DefaultConnectTimeout = 45 * time.Second

// DefaultMaxNamespaces bounds what one connection can have us keep: the official
// server knows no limit.
const DefaultMaxNamespaces = 1000

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Path == "" {
		c.Path = "/socket.io"
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.MaxNamespaces <= 0 {
		c.MaxNamespaces = DefaultMaxNamespaces
	}
	if c.Parser == nil {
		c.Parser = parser.Default
	}
	c.Recovery = c.Recovery.withDefaults()
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

func (o *Options) engine() *engineio.Options {
	return &engineio.Options{
		PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, UpgradeTimeout: o.UpgradeTimeout,
		MaxPayload: o.MaxPayload, Transports: o.Transports, NoUpgrades: o.NoUpgrades, AllowEIO3: o.AllowEIO3,
		AllowedOrigins: o.AllowedOrigins, AllowCredentials: o.AllowCredentials,
		SendPackets: o.SendPackets, SendBytes: o.SendBytes,
		CompressHTTP: o.CompressHTTP, Compression: o.Compression, Cookie: o.Cookie, AllowRequest: o.AllowRequest,
		GenerateID: o.GenerateID, InitialHeaders: o.InitialHeaders, Headers: o.Headers, OnConnectionError: o.OnConnectionError,
		Rand: o.Rand, Recorder: o.Recorder, Host: o.Host,
	}
}
