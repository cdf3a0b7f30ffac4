package socketio

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"strata/socketio/engineio"
)

// Server is a Socket.IO server: an http.Handler, for a path of a mux or as the
// handler of everything.
type Server struct {
	opts   Options
	engine *engineio.Server
	trace  tracer
	main   *Namespace // "/"
	files  *clientFiles

	counters counters

	mu           sync.RWMutex
	namespaces   map[string]*Namespace
	parents      []*ParentNamespace // in the order they were made
	newNamespace []func(*Namespace)
	closed       bool
	running      sync.WaitGroup // sockets, until their last handler has returned
}

var _ http.Handler = (*Server)(nil)

// NewServer makes a server. opts may be nil.
func NewServer(opts *Options) *Server {
	s := &Server{opts: opts.withDefaults(), namespaces: map[string]*Namespace{}}
	s.opts.Rand = &lockedReader{r: s.opts.Rand}
	s.trace = tracer{s.opts.Recorder, s.opts.Host}
	s.main = s.Of("/")
	s.files = newClientFiles(s.opts.ClientFiles)
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
	if s.files.serve(w, r) {
		return
	}
	s.engine.ServeHTTP(w, r)
}

// OnConnection has fn called for each client that joins "/". It is
// Of("/").OnConnection.
func (s *Server) OnConnection(fn func(*Socket)) { s.main.OnConnection(fn) }

// Emit sends an event to every socket of "/". Errors are those of the
// arguments, see [Socket.Emit].
func (s *Server) Emit(event string, args ...any) error { return s.main.Emit(event, args...) }

// Send is Emit of the event "message".
func (s *Server) Send(args ...any) error { return s.main.Send(args...) }

// EmitWithAck sends an event to every socket of "/" and waits for the answers,
// see [Broadcast.EmitWithAck].
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return s.main.EmitWithAck(ctx, event, args...)
}

// Use is Of("/").Use.
func (s *Server) Use(fn func(*Socket) error) { s.main.Use(fn) }

// To is a broadcast to the sockets of "/" that are in any of the rooms.
func (s *Server) To(rooms ...string) Broadcast { return s.main.To(rooms...) }

// Except is a broadcast to the sockets of "/" that are in none of the rooms.
func (s *Server) Except(rooms ...string) Broadcast { return s.main.Except(rooms...) }

// Local is a broadcast to the sockets of "/" on this server.
func (s *Server) Local() Broadcast { return s.main.Local() }

// Volatile is a broadcast to the sockets of "/" that can take it at once.
func (s *Server) Volatile() Broadcast { return s.main.Volatile() }

// Compress is a broadcast to "/" that is, or is not, worth compressing.
func (s *Server) Compress(compress bool) Broadcast { return s.main.Compress(compress) }

// Timeout is a broadcast to "/" whose answers are waited for that long.
func (s *Server) Timeout(d time.Duration) Broadcast { return s.main.Timeout(d) }

// FetchSockets is the sockets of "/", also those of other servers.
func (s *Server) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return s.main.FetchSockets(ctx)
}

// SocketsJoin puts all sockets of "/" into rooms.
func (s *Server) SocketsJoin(rooms ...string) error { return s.main.SocketsJoin(rooms...) }

// SocketsLeave takes all sockets of "/" out of rooms.
func (s *Server) SocketsLeave(rooms ...string) error { return s.main.SocketsLeave(rooms...) }

// DisconnectSockets ends all sockets of "/".
func (s *Server) DisconnectSockets(closeConnection bool) error {
	return s.main.DisconnectSockets(closeConnection)
}

// On is Of("/").On: for events of other servers.
func (s *Server) On(event string, fn any) (off func()) { return s.main.On(event, fn) }

// ServerSideEmit is Of("/").ServerSideEmit.
func (s *Server) ServerSideEmit(event string, args ...any) error {
	return s.main.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck is Of("/").ServerSideEmitWithAck.
func (s *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return s.main.ServerSideEmitWithAck(ctx, event, args...)
}

// Engine is the Engine.IO server below.
func (s *Server) Engine() *engineio.Server { return s.engine }

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
	var adapters []Adapter
	for _, n := range s.namespaces {
		all = append(all, n.Sockets()...)
		adapters = append(adapters, n.adapter)
	}
	s.mu.Unlock()
	for _, socket := range all {
		socket.close(ReasonServerShuttingDown, false)
	}
	err := s.engine.Close(ctx)
	for _, a := range adapters {
		if closing := a.Close(); err == nil {
			err = closing
		}
	}
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
