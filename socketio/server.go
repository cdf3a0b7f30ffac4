package socketio

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"strata/socketio/engineio"
)

// Server is a Socket.IO server: an http.Handler, for a path of a mux or as the
// handler of everything.
type Server struct {
	opts   Options
	engine *engineio.Server
	trace  tracer
	main   *Namespace // "/"

	mu         sync.RWMutex
	namespaces map[string]*Namespace
	closed     bool
	running    sync.WaitGroup // sockets, until their last handler has returned
}

var _ http.Handler = (*Server)(nil)

// NewServer makes a server. opts may be nil.
func NewServer(opts *Options) *Server {
	s := &Server{opts: opts.withDefaults(), namespaces: map[string]*Namespace{}}
	s.opts.Rand = &lockedReader{r: s.opts.Rand}
	s.trace = tracer{s.opts.Recorder, s.opts.Host}
	s.main = s.Of("/")
	s.engine = engineio.NewServer(s.opts.engine(), func(session *engineio.Session) engineio.Handler {
		return newConn(s, session)
	})
	return s
}

// ServeHTTP serves the requests below Options.Path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, strings.TrimSuffix(s.opts.Path, "/")) {
		http.NotFound(w, r)
		return
	}
	s.engine.ServeHTTP(w, r)
}

// Of is the namespace of that name; it is made when it is first asked for. A
// "/" is put in front where there is none. A name with a comma cannot be
// written in a packet: Of panics.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if strings.Contains(name, ",") {
		panic(fmt.Sprintf("socketio: namespace %q: a comma cannot be in a namespace's name", name))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n == nil {
		n = newNamespace(s, name)
		s.namespaces[name] = n
	}
	return n
}

// namespace is the namespace of that name, nil where nobody asked [Server.Of]
// for it.
func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// OnConnection has fn called for each client that joins "/". It is
// Of("/").OnConnection.
func (s *Server) OnConnection(fn func(*Socket)) { s.main.OnConnection(fn) }

// Emit sends an event to every socket of "/". Errors are those of the
// arguments, see [Socket.Emit].
func (s *Server) Emit(event string, args ...any) error { return s.main.Emit(event, args...) }

// To is a broadcast to the sockets of "/" that are in any of the rooms.
func (s *Server) To(rooms ...string) Broadcast { return s.main.To(rooms...) }

// Except is a broadcast to the sockets of "/" that are in none of the rooms.
func (s *Server) Except(rooms ...string) Broadcast { return s.main.Except(rooms...) }

// Clients is how many clients are connected, whatever they joined.
func (s *Server) Clients() int { return s.engine.Len() }

// Close ends the server. Every socket is disconnected with the reason "server
// shutting down"; then the connections are closed, WebSockets with 1001 (going
// away), once what waited to be sent is. As with the official server no
// DISCONNECT packet is sent: clients see their transport close, and so try to
// come back. Close returns when all handlers have returned and all connections
// are gone, or with the context's error when ctx ends.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	var all []*Socket
	for _, n := range s.namespaces {
		all = append(all, n.Sockets()...)
	}
	s.mu.Unlock()
	for _, socket := range all {
		socket.close(ReasonServerShuttingDown, false)
	}
	err := s.engine.Close(ctx)
	gone := make(chan struct{})
	go func() {
		s.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		if err == nil {
			err = fmt.Errorf("socket.io: close: handlers did not return in time: %w", ctx.Err())
		}
	}
	return err
}

// lockedReader lets the requests of many clients share a source of randomness
// that is for one goroutine, as a seeded one is.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// newID is the id of a socket: 15 random bytes in 20 characters. It is not the
// Engine.IO session's id, which is a secret; this one may be shown to others.
func (s *Server) newID() (string, error) {
	var b [15]byte
	if _, err := io.ReadFull(s.opts.Rand, b[:]); err != nil {
		return "", fmt.Errorf("socket.io: make a socket id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
