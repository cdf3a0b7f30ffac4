package names

import (
	"container/list"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"

	"strata/clock"
)

// Defaults of a ServerConfig.
const (
	DefaultTTL         = time.Minute
	DefaultMaxConns    = 64
	DefaultIdleTimeout = 10 * time.Second
)

// ErrServerClosed is what Serve methods return after Close.
var ErrServerClosed = errors.New("names: server closed")

// ServerConfig says what a server answers.
type ServerConfig struct {
	// Zone is what the server is authoritative for: this name and all below
	// it. It must be set.
	Zone string

	// Table has the zone's names and addresses; it must be set, and may change
	// while the server runs. Names in it outside of the zone are not served.
	Table *Table

	// TTL is how long an answer, also that something does not exist, may be
	// kept by who asked; 0 is DefaultTTL, what is below a second is a second.
	TTL time.Duration

	// Loop is the clock of the connections that are served; nil is real time.
	Loop clock.Loop

	// Logf is told of answers that could not be sent or made; nil is nobody.
	// It must not call Close.
	Logf func(format string, args ...any)

	// MaxConns bounds the TCP connections served at once; 0 is
	// DefaultMaxConns. One more closes the one that has been silent longest.
	MaxConns int

	// IdleTimeout bounds the wait for a whole query on a TCP connection, and
	// that for an answer to be taken; 0 is DefaultIdleTimeout.
	IdleTimeout time.Duration
}

// Server is a small authoritative name server (RFC 1034, RFC 1035): A and AAAA
// for the names of its zone, wildcards included (RFC 4592); PTR for the
// addresses of these names; SOA and NS for the zone, whose only name server is
// the zone's own name. It serves any number of packet connections and
// listeners at once.
//
// It never recurses, transfers no zone and takes no updates. An answer over UDP
// is at most 512 bytes, or what the query's EDNS allows up to 1232 (RFC 6891),
// else it is truncated; ANY gets the minimal answer of RFC 8482; what it does
// not serve is refused with a message hardly longer than the query, what it
// cannot read with one that is not longer, and what is no query with silence.
type Server struct {
	config ServerConfig
	zone   string // canonical
	apex   string // the zone's name in messages: with a dot at its end
	ttl    uint32 // seconds

	running sync.WaitGroup // Serve calls and the connections they accepted
	done    chan struct{}  // closed by Close

	mu        sync.Mutex
	closed    bool
	packets   map[*net.PacketConn]bool // pointers, since not every implementation can be a key
	listeners map[*net.Listener]bool
	conns     list.List // of net.Conn, the one that has been silent longest in front
}

// NewServer makes a server that serves nothing yet.
func NewServer(c ServerConfig) (*Server, error) {
	zone, err := canonical(c.Zone)
	if err != nil {
		return nil, fmt.Errorf("name server: zone %q: %w", c.Zone, err)
	}
	if len(mailbox+zone) > maxName {
		return nil, fmt.Errorf("name server: zone %q: longer than %d characters", c.Zone, maxName-len(mailbox))
	}
	if c.Table == nil {
		return nil, fmt.Errorf("name server: zone %q: no Table was given", c.Zone)
	}
	if c.TTL == 0 {
		c.TTL = DefaultTTL
	}
	if c.Loop == nil {
		c.Loop = clock.Real()
	}
	if c.Logf == nil {
		c.Logf = func(string, ...any) {}
	}
	if c.MaxConns <= 0 {
		c.MaxConns = DefaultMaxConns
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	return &Server{
		config: c, zone: zone, apex: dns.Fqdn(zone),
		ttl:       uint32(min(max(c.TTL/time.Second, 1), math.MaxInt32)), // RFC 2181 §8
		done:      make(chan struct{}),
		packets:   map[*net.PacketConn]bool{},
		listeners: map[*net.Listener]bool{},
	}, nil
}

// past is a deadline that has passed on every clock.
var past = time.Unix(1, 0)

// Close ends the Serve calls, and closes what they serve, after the answers
// that are being made have been sent. It returns when no goroutine of the
// server is left, after IdleTimeout at the latest. It may be called again.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
		for pc := range s.packets {
			if (*pc).SetReadDeadline(past) != nil {
				_ = (*pc).Close()
			}
		}
		for l := range s.listeners {
			_ = (*l).Close()
		}
		for e := s.conns.Front(); e != nil; e = e.Next() {
			if c := e.Value.(net.Conn); c.SetReadDeadline(past) != nil {
				_ = c.Close()
			}
		}
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// start notes, by f, something that is served from now on; false: the server is
// closed. Each start that gave true needs a running.Done.
func (s *Server) start(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	f()
	return true
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// pause waits for d, or for Close.
func (s *Server) pause(d time.Duration) {
	over := make(chan struct{})
	timer := s.config.Loop.At(s.config.Loop.Now().Add(d), func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-s.done:
	}
}
