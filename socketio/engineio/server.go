package engineio

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"strata/trace"
)

// Handler is told what happens in a session.
type Handler interface {
	// Message is called for each message, in order, one at a time. While it
	// runs nothing more is read from the client: who takes long should do
	// it elsewhere.
	Message(m Message)

	// Closed is called once, when the session has ended, on a goroutine of
	// its own; Message may still be running. err says more than the reason
	// and may be nil.
	Closed(reason Reason, err error)
}

// Server holds the sessions of its clients. It serves every path it is given.
type Server struct {
	opts   Options
	accept func(*Session) Handler
	trace  tracer
	timers timers

	mu       sync.Mutex
	sessions map[string]*Session
	closed   bool
	running  sync.WaitGroup // sessions, and what they started
}

var _ http.Handler = (*Server)(nil)

// NewServer makes a server. accept is called for each session that opens,
// before anything is read from or sent to the client, and returns who is told
// of it. It may already Send. opts may be nil.
func NewServer(opts *Options, accept func(*Session) Handler) *Server {
	s := &Server{opts: opts.withDefaults(), accept: accept, sessions: map[string]*Session{}}
	s.trace = tracer{rec: s.opts.Recorder, host: s.opts.Host}
	return s
}

// Len is how many sessions are open.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// ServeHTTP answers the requests of long-polling and opens WebSockets.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	upgrade := isUpgrade(r)
	if s.trace.on() && !upgrade { // a WebSocket's handshake is traced by package ws
		flow := s.trace.requestFlow(r)
		s.trace.record(trace.In, flow, trace.HTTP{Method: r.Method, Path: r.URL.RequestURI()})
		sw := &statusWriter{w, http.StatusOK}
		w = sw
		defer func() { s.trace.record(trace.Out, flow, trace.HTTP{Status: sw.status}) }()
	}
	if s.cors(w, r) {
		return
	}
	q := parseQuery(r.URL.RawQuery)
	session, no := s.verify(r, q, upgrade)
	switch {
	case no != nil:
		no.write(w, upgrade)
	case upgrade:
		s.serveWebSocket(w, r, q, session)
	case session == nil:
		s.openPolling(w, r)
	case r.Method == http.MethodGet:
		session.servePoll(w, r)
	case r.Method == http.MethodPost:
		session.servePost(w, r)
	default:
		w.WriteHeader(http.StatusInternalServerError) // as the official server
	}
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// verify finds the session that a request is for, nil where it is a handshake,
// or says why it is refused. The order of the checks is the official server's.
func (s *Server) verify(r *http.Request, q query, upgrade bool) (*Session, *refusal) {
	if q.transport == "" || !slices.Contains(s.opts.Transports, q.transport) {
		return nil, unknownTransport
	}
	if q.hasSID {
		s.mu.Lock()
		session := s.sessions[q.sid]
		s.mu.Unlock()
		switch {
		case session == nil:
			return nil, unknownSID
		case upgrade != (q.transport == WebSocket), !upgrade && session.Transport() != q.transport, q.version != "4":
			return nil, badRequest
		}
		return session, nil
	}
	switch {
	case r.Method != http.MethodGet:
		return nil, badHandshakeMethod
	case upgrade != (q.transport == WebSocket):
		return nil, badRequest
	case q.version != "4":
		return nil, unsupportedVersion
	}
	return nil, nil
}

// open makes a session, or says why there can be none.
func (s *Server) open(r *http.Request, t Transport) (*Session, error) {
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	session := &Session{server: s, id: id, handshake: newHandshake(r), transport: t, flow: s.trace.requestFlow(r)}
	session.timer.expired = session.expired

	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("the server is shutting down: %w", http.ErrServerClosed)
	}
	s.sessions[id] = session
	s.running.Add(1) // until Closed has returned
	s.mu.Unlock()

	session.mu.Lock()
	session.push(openData{
		SID: id, Upgrades: s.upgrades(t),
		PingInterval: s.opts.PingInterval.Milliseconds(), PingTimeout: s.opts.PingTimeout.Milliseconds(),
		MaxPayload: s.opts.MaxPayload,
	}.packet())
	session.deadline(s.opts.PingInterval)
	session.mu.Unlock()
	handler := s.accept(session)
	session.mu.Lock()
	session.handler = handler
	ended := session.state == closed
	session.mu.Unlock()
	if ended {
		session.tellClosed()
	}
	return session, nil
}

// newID is 15 random bytes in 20 characters that a URL may hold: whoever knows
// a session's id may use it, so nobody may guess it (CVE-2017-16031).
func (s *Server) newID() (string, error) {
	var b [15]byte
	if _, err := io.ReadFull(s.opts.Rand, b[:]); err != nil {
		return "", fmt.Errorf("engine.io: make a session id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func (s *Server) upgrades(t Transport) []string {
	if t == Polling && slices.Contains(s.opts.Transports, WebSocket) {
		return []string{string(WebSocket)}
	}
	return []string{}
}

// Close ends the server: handshakes are refused from now on, every session is
// sent what waits for it and is closed, WebSockets with 1001 (going away), those
// by long-polling with their next poll, if it comes within a second. It returns when all of them are gone and their handlers have returned, or when
// ctx ends: then what is left is cut off, and the error is the context's.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	sessions := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	for _, session := range sessions {
		session.close(goingAway)
	}
	gone := make(chan struct{})
	go func() {
		s.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	for _, session := range sessions {
		session.abort()
	}
	return fmt.Errorf("engine.io: close: clients did not finish in time: %w", ctx.Err())
}
