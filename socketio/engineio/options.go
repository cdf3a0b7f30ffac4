package engineio

import (
	"crypto/rand"
	"io"
	"net/http"
	"time"

	"strata/trace"
	"strata/ws"
)

// The defaults of the official server.
const (
	DefaultPingInterval   = 25 * time.Second
	DefaultPingTimeout    = 20 * time.Second
	DefaultUpgradeTimeout = 10 * time.Second
	DefaultMaxPayload     = 1_000_000 // bytes
	DefaultCompressHTTP   = 1024      // bytes
)

// What waits for one client at most, by default. The official server knows no
// limit.
const (
	DefaultSendPackets = 16384
	DefaultSendBytes   = 16 << 20
)

// closeTimeout bounds how long a session that is being closed waits until the
// client has taken what was sent to it; a shorter heartbeat does so as well.
const closeTimeout = 30 * time.Second

// pollGrace is how long a server that ends waits for the next poll of a client
// that has none waiting: one that is between two polls is back at once, one that
// is gone would hold the end up.
const pollGrace = time.Second

// Options are a server's wishes. The zero value works.
type Options struct {
	// PingInterval is how long after a pong, or the opening, the next ping
	// is sent. 0: 25 s.
	PingInterval time.Duration

	// PingTimeout is how long a client may take to answer a ping. 0: 20 s.
	PingTimeout time.Duration

	// UpgradeTimeout is how long the change to a WebSocket may take. 0: 10 s.
	UpgradeTimeout time.Duration

	// MaxPayload is the largest request body and WebSocket message that is
	// read, bytes. 0: 1,000,000.
	MaxPayload int

	// Transports that clients may use; the first is of no more weight than
	// the others. WebTransport also wants somebody who calls
	// [Server.ServeStream]: see strata/socketio/webtransport. Empty: Polling
	// and WebSocket.
	Transports []Transport

	// NoUpgrades has sessions that open with long-polling stay with it.
	NoUpgrades bool

	// AllowEIO3 lets in clients of version 3 of the protocol, those before
	// socket.io-client 3.0, over both transports and JSONP. The origin of a
	// page is no obstacle to JSONP: pages of other origins can open sessions
	// then, with the user's cookies.
	AllowEIO3 bool

	// AllowedOrigins are the origins of pages, beside the server's own,
	// that may use it from a browser: "https://example.com", also with
	// patterns as in path.Match ("https://*.example.com"), or "*" for all.
	// Empty: none; there are no CORS headers then.
	AllowedOrigins []string

	// AllowCredentials lets pages of AllowedOrigins send cookies with their
	// requests.
	AllowCredentials bool

	// SendPackets and SendBytes bound what waits to be sent to one client.
	// Beyond them the session ends with ErrSlow. 0: 16,384 and 16 MiB.
	SendPackets int
	SendBytes   int

	// AllowRequest may refuse a handshake: the client is answered 403, with
	// the error's text. nil: all are allowed.
	AllowRequest func(r *http.Request) error

	// Cookie is what a cookie that holds the session's id looks like, for
	// proxies that stick to a server by it; its Value is filled in. An empty
	// Name is "io", an empty Path "/", SameSite is Lax where it is not set.
	// nil: no cookie.
	Cookie *http.Cookie

	// CompressHTTP is the size, in bytes, from which on the answers of
	// long-polling are compressed, with gzip or deflate, for clients that
	// accept it. 0: 1,024; negative: never.
	CompressHTTP int

	// Compression has messages over WebSocket compressed for clients that
	// offer it (RFC 7692). nil: none are, as with the official server.
	Compression *ws.Compression

	// GenerateID makes the id of a session. It has to be unguessable, since
	// whoever knows it may use the session, and different each time. nil:
	// 15 random bytes.
	GenerateID func(r *http.Request) (string, error)

	// InitialHeaders may change the headers of the answer that opens a
	// session, Headers those of every answer. nil: nobody does.
	InitialHeaders func(h http.Header, r *http.Request)
	Headers        func(h http.Header, r *http.Request)

	// OnConnectionError is told of requests that were refused. nil: nobody.
	OnConnectionError func(*ConnectionError)

	// Rand is where session ids come from, also for requests that come at
	// the same time: it has to be safe for that. nil: crypto/rand.
	Rand io.Reader

	// Recorder is told of requests, packets and changes of transport. nil:
	// nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string
}

// withDefaults is a copy with every zero value filled in.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	orDefault(&c.PingInterval, DefaultPingInterval)
	orDefault(&c.PingTimeout, DefaultPingTimeout)
	orDefault(&c.UpgradeTimeout, DefaultUpgradeTimeout)
	orDefault(&c.MaxPayload, DefaultMaxPayload)
	orDefault(&c.SendPackets, DefaultSendPackets)
	orDefault(&c.SendBytes, DefaultSendBytes)
	if c.CompressHTTP == 0 {
		c.CompressHTTP = DefaultCompressHTTP
	}
	if c.Cookie != nil {
		c.Cookie = withCookieDefaults(*c.Cookie)
	}
	if len(c.Transports) == 0 {
		c.Transports = []Transport{Polling, WebSocket}
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

func orDefault[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
