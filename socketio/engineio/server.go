package engineio

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

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

	sweeper  sweeper
	outbox   outbox
	counters counters

	mu       sync.Mutex
	sessions map[string]*Session
	closed   bool
	running  sync.WaitGroup // sessions, and what they started
}

var _ http.Handler = (*Server)(nil)

// NewServer makes a server. accept is called for each session that opens, before
// anything is read from the client, or sent to it but that the session is open, and
// returns who is told of it. It may already Send. opts may be nil.
func NewServer(opts *Options, accept func(*Session) Handler) *Server {
	s := &Server{opts: opts.withDefaults(), accept: accept, sessions: map[string]*Session{}}
	s.trace = tracer{rec: s.opts.Recorder, host: s.opts.Host}
	s.outbox.most = max(1, runtime.GOMAXPROCS(0)/2)
	s.sweeper.timers = &s.timers
	s.sweeper.timer.expired = s.sweeper.sweep
	return s
}

// Len is how many sessions are open.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Heartbeat is how often clients are asked whether they are there, and how long
// they may take to answer.
func (s *Server) Heartbeat() (interval, timeout time.Duration) {
	return s.opts.PingInterval, s.opts.PingTimeout
}

// ServeHTTP answers the requests of long-polling and opens WebSockets.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	upgrade := isUpgrade(r)
	if flow := s.trace.requestFlow(r); !upgrade && s.trace.on(flow) { // a WebSocket's handshake is traced by package ws
		s.trace.record(trace.In, flow, trace.HTTP{Method: r.Method, Path: r.URL.RequestURI()})
		sw := &statusWriter{w, http.StatusOK}
		w = sw
		defer func() { s.trace.record(trace.Out, flow, trace.HTTP{Status: sw.status}) }()
	}
	if s.cors(w, r) {
		return
	}
	q := parseQuery(r.URL.RawQuery)
	by := Polling
	if upgrade {
		by = WebSocket
	}
	session, no, context := s.verify(r, q, by)
	if no == nil {
		s.headers(w.Header(), r, session == nil)
	}
	switch {
	case no != nil:
		s.refuse(w, r, no, context, upgrade)
	case upgrade:
		s.begin(w, func() { s.serveWebSocket(w, r, q, session) })
	case session == nil:
		s.openPolling(w, r, q)
	case r.Method == http.MethodGet:
		session.servePoll(w, r, q)
	case r.Method == http.MethodPost:
		session.servePost(w, r, q)
	default:
		w.WriteHeader(http.StatusInternalServerError) // as the official server
	}
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// verify finds the session that a request is for, which came by way of a
// transport, nil where it is a handshake, or says why it is refused, and what
// about it in the official server's words. The order of the checks is the
// official server's.
func (s *Server) verify(r *http.Request, q query, by Transport) (session *Session, no *refusal, context string) {
	if q.transport == "" || !slices.Contains(s.opts.Transports, q.transport) {
		return nil, unknownTransport, ""
	}
	if strings.ContainsFunc(r.Header.Get("Origin"), func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return nil, badRequest, "INVALID_ORIGIN"
	}
	if q.hasSID {
		s.mu.Lock()
		session = s.sessions[q.sid]
		s.mu.Unlock()
		switch {
		case session == nil:
			return nil, unknownSID, ""
		case by != Polling && s.opts.NoUpgrades:
			return nil, badRequest, "TRANSPORT_MISMATCH"
		case q.transport != by, by == Polling && session.Transport() != Polling:
			return nil, badRequest, "TRANSPORT_MISMATCH"
		case q.version != session.protocol:
			return nil, badRequest, "PROTOCOL_MISMATCH"
		}
		return session, nil, ""
	}
	switch {
	case r.Method != http.MethodGet && by != WebTransport: // which comes by CONNECT
		return nil, badHandshakeMethod, ""
	case q.transport != by:
		return nil, badRequest, "TRANSPORT_HANDSHAKE_ERROR"
	case !s.speaks(q.version):
		return nil, unsupportedVersion, ""
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			return nil, forbidden(err), ""
		}
	}
	return nil, nil, ""
}

// speaks reports whether sessions of that protocol version may open.
func (s *Server) speaks(version string) bool {
	return version == "4" || version == "3" && s.opts.AllowEIO3
}

// begin has f run, and whatever it starts that calls running.Done. Where a function
// of the program's panics in f that is called here. A server that is closed says so.
func (s *Server) begin(w http.ResponseWriter, f func()) {
	s.mu.Lock()
	ends := s.closed
	if !ends {
		s.running.Add(1)
	}
	s.mu.Unlock()
	if ends {
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	returned := false
	defer func() {
		if !returned {
			s.running.Done()
		}
	}()
	f()
	returned = true
}

// refuse answers a request that is refused, and tells who wants to know.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, no *refusal, context string, upgrade bool) {
	s.counters.refused.Add(1)
	if s.opts.OnConnectionError != nil {
		s.opts.OnConnectionError(&ConnectionError{Request: r, Code: no.Code, Message: no.Message, Context: context})
	}
	no.write(w, upgrade)
}

// headers has the program's say about an answer's headers.
func (s *Server) headers(h http.Header, r *http.Request, first bool) {
	if first && s.opts.InitialHeaders != nil {
		s.opts.InitialHeaders(h, r)
	}
	if s.opts.Headers != nil {
		s.opts.Headers(h, r)
	}
}

// open makes a session, or says why there can be none. It is the caller's to have
// the program accept it.
func (s *Server) open(r *http.Request, q query, t Transport) (*Session, error) {
	id, err := s.newID(r)
	if err != nil {
		if s.opts.OnConnectionError != nil {
			s.opts.OnConnectionError(&ConnectionError{Request: r, Code: badRequest.Code, Message: err.Error(), Context: "ID_GENERATION_ERROR"})
		}
		return nil, err
	}
	session := &Session{server: s, id: id, protocol: q.version, handshake: newHandshake(r), transport: t, flow: s.trace.requestFlow(r)}
	session.timer.expired = session.expired

	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("the server is shutting down: %w", http.ErrServerClosed)
	}
	if s.sessions[id] != nil {
		s.mu.Unlock()
		return nil, errors.New("engine.io: GenerateID gave the id of another session")
	}
	s.sessions[id] = session
	s.counters.opened.Add(1)
	s.running.Add(1) // until Closed has returned
	s.mu.Unlock()

	session.mu.Lock()
	session.push(openData{
		SID: id, Upgrades: s.upgrades(t),
		PingInterval: s.opts.PingInterval.Milliseconds(), PingTimeout: s.opts.PingTimeout.Milliseconds(),
		MaxPayload: s.opts.MaxPayload,
	}.packet())
	session.startHeartbeat()
	session.mu.Unlock()
	return session, nil
}

// newID is 15 random bytes in 20 characters that a URL may hold: whoever knows
// a session's id may use it, so nobody may guess it (CVE-2017-16031).
func (s *Server) newID(r *http.Request) (string, error) {
	if s.opts.GenerateID != nil {
		return s.opts.GenerateID(r)
	}
	var b [15]byte
	if _, err := io.ReadFull(s.opts.Rand, b[:]); err != nil {
		return "", fmt.Errorf("engine.io: make a session id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// upgrades are what a session may change to.
func (s *Server) upgrades(t Transport) []string {
	to := []string{}
	for _, better := range []Transport{WebSocket, WebTransport} {
		if t == Polling && slices.Contains(s.opts.Transports, better) && !s.opts.NoUpgrades {
			to = append(to, string(better))
		}
	}
	return to
}

// Close ends the server: handshakes are refused from now on, every session is
// sent what waits for it and is closed, WebSockets with 1001 (going away), those
// by long-polling with their next poll, if it comes within a second. It returns
// when all of them are gone and their handlers have returned, or when ctx ends:
// then what is left is cut off, and the error is the context's.
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
