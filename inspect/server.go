package inspect

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"strata/stack"
)

// Config says what is inspected.
type Config struct {
	Title    string // of the page; empty: "Strata"
	Hosts    []*stack.Host
	Wires    []Wire
	Recorder *Recorder // that the hosts and wires were given; must be set
	Token    string    // that who asks must have; empty is none. See Listen.
}

// Bounds on what a client may take of us.
const (
	maxConns    = 64 // at once
	maxWaiting  = 32 // requests for events that wait
	maxBody     = 64 << 10
	readTimeout = 5 * time.Second
	timeout     = 15 * time.Second // for a request and its answer; longer than what waits for events
)

// Server serves the page and the API.
type Server struct {
	config  Config
	wires   []*steered
	explain explainer
	waiting chan struct{} // has a place for each request that waits
	http    *http.Server
	stop    context.CancelFunc

	mu     sync.Mutex
	closed bool
	served sync.WaitGroup
}

var wireName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

//go:embed assets
var assets embed.FS

// New makes a Server. It panics where a wire has no name that can be its ID, or
// that of another.
func New(c Config) *Server {
	if c.Title == "" {
		c.Title = "Strata"
	}
	s := &Server{config: c, explain: explainer{rec: c.Recorder}, waiting: make(chan struct{}, maxWaiting)}
	names := map[string]bool{}
	for _, w := range c.Wires {
		if !wireName.MatchString(w.Name) || names[w.Name] {
			panic(fmt.Sprintf("inspect.New: wire %q: a name of its own is wanted, of letters, digits, -, _ and .", w.Name))
		}
		names[w.Name] = true
		s.wires = append(s.wires, steer(w))
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = &http.Server{
		Handler:           &guard{token: c.Token, next: s.routes()},
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      timeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	return s
}

// Serve serves on a listener until Close; it then returns nil.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ln.Close()
	}
	s.served.Add(1)
	s.mu.Unlock()
	defer s.served.Done()
	if err := s.http.Serve(netutil.LimitListener(ln, maxConns)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends serving and lets go of what was recorded; requests that wait are
// answered. The wires stay as they are.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.config.Recorder.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.served.Wait()
	return err
}
