package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/parser"
)

// Manager is a connection to a server, made anew when it is lost, and the sockets
// that share it, one a namespace
// (https://socket.io/docs/v4/client-api/#manager). It connects when the first of
// them does, and disconnects with the last.
type Manager struct {
	opts Options
	url  string // of the server's Engine.IO
	rand *lockedReader

	mu       sync.Mutex
	sockets  map[string]*Socket // that want to be connected, by namespace
	run      *run               // nil: nobody wants to be
	upgraded bool               // a WebSocket has worked
	told     managerEvents
}

// run is the time in which a manager's sockets want to be connected.
type run struct {
	ctx     context.Context
	cancel  context.CancelFunc
	engine  *engineio.Conn // nil: not connected
	changed chan struct{}  // closed, and made anew, when engine or err changes
	err     error          // of the last attempt
	ended   bool
	done    chan struct{} // closed when it no longer does anything
}

type managerEvents struct {
	attempt []func(attempt int)
	back    []func(attempt int)
	failed  []func(err error)
	given   []func()
}

// NewManager makes a manager that is not connected yet. The URL is http, https,
// ws or wss; its path is ignored, and its query goes to the server. opts may be
// nil.
func NewManager(rawURL string, opts *Options) (*Manager, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("socket.io: %w", err)
	}
	m := &Manager{sockets: map[string]*Socket{}}
	if m.opts, err = opts.withDefaults(); err != nil {
		return nil, err
	}
	m.rand = &lockedReader{r: m.opts.Rand}
	m.opts.Rand = m.rand
	u.Path, u.RawPath = m.opts.Path, ""
	if u.Path == "" {
		u.Path = "/socket.io/"
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	m.url = u.String()
	return m, nil
}

// lockedReader lets several connections share a source of randomness that is for
// one goroutine, as a seeded one is.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Socket makes a socket of a namespace, "/" or the like, that is not connected
// yet. Only one of a namespace can be connected at a time. Auth and AuthFunc of
// opts, which may be nil, are the socket's own; the rest is the manager's.
func (m *Manager) Socket(namespace string, opts *Options) (*Socket, error) {
	namespace = "/" + strings.TrimPrefix(namespace, "/")
	if strings.Contains(namespace, ",") {
		return nil, fmt.Errorf("socket.io: namespace %q: a comma cannot be in a namespace's name", namespace)
	}
	s := newSocket(m, namespace)
	if opts != nil {
		s.auth, s.authFunc = opts.Auth, opts.AuthFunc
	}
	return s, nil
}

// OnReconnectAttempt has fn called before a connection is tried anew. attempt
// counts from 1 since the last that worked.
func (m *Manager) OnReconnectAttempt(fn func(attempt int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told.attempt = append(slices.Clone(m.told.attempt), fn)
}

// OnReconnect has fn called when a connection was made anew, with the attempt
// that worked.
func (m *Manager) OnReconnect(fn func(attempt int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told.back = append(slices.Clone(m.told.back), fn)
}

// OnError has fn called when a connection could not be made.
func (m *Manager) OnError(fn func(err error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told.failed = append(slices.Clone(m.told.failed), fn)
}

// OnReconnectFailed has fn called when the attempts are used up.
func (m *Manager) OnReconnectFailed(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told.given = append(slices.Clone(m.told.given), fn)
}

// Engine is the connection, nil where there is none at the moment.
func (m *Manager) Engine() *engineio.Conn {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.run == nil {
		return nil
	}
	return m.run.engine
}

// Close closes all sockets, and with them the connection. It waits until that is
// gone.
func (m *Manager) Close() error {
	m.mu.Lock()
	var all []*Socket
	for _, s := range m.sockets {
		all = append(all, s)
	}
	m.mu.Unlock()
	for _, s := range all {
		s.Close()
	}
	return nil
}

var errTwice = errors.New("another socket of the manager is connected to the namespace")

// enter has a socket wanted to be connected. first
// says that nobody else was, so that the caller has to make the connection.
func (m *Manager) enter(s *Socket) (r *run, first bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.sockets[s.namespace]; have != nil && have != s {
		return nil, false, errTwice
	}
	m.sockets[s.namespace] = s
	if m.run != nil {
		return m.run, false, nil
	}
	r = &run{changed: make(chan struct{}), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	m.run = r
	return r, true, nil
}

// leave has a socket no longer wanted to be connected. Where it was the last,
// the connection is closed; it is returned, to be waited for.
func (m *Manager) leave(s *Socket) *run {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sockets[s.namespace] != s {
		return nil
	}
	delete(m.sockets, s.namespace)
	r := m.run
	if len(m.sockets) > 0 || r == nil {
		return nil
	}
	m.run = nil
	r.ended = true
	r.cancel()
	if r.engine != nil {
		r.engine.Close()
	}
	return r
}

// wanted reports whether a run goes on.
func (m *Manager) wanted(r *run) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.run == r
}

// dial makes one attempt to connect.
func (m *Manager) dial(ctx context.Context, r *run) (*engineio.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.Timeout)
	defer cancel()
	m.mu.Lock()
	quick := m.upgraded && m.opts.RememberUpgrade
	m.mu.Unlock()
	engine, err := engineio.Dial(ctx, m.url, m.opts.dial(quick, m.worked), func(c *engineio.Conn) engineio.Handler {
		h := &receiver{manager: m, run: r, engine: c, decoder: m.opts.Parser.NewDecoder()}
		m.mu.Lock()
		r.engine, r.err = c, nil
		close(r.changed)
		r.changed = make(chan struct{})
		var all []*Socket
		for _, s := range m.sockets {
			all = append(all, s)
		}
		ended := r.ended
		m.mu.Unlock()
		if ended {
			c.Close()
			return h
		}
		for _, s := range all {
			s.join(c)
		}
		return h
	})
	m.mu.Lock()
	if err != nil {
		if quick {
			m.upgraded = false // the way may have changed
		}
		r.err = err
		close(r.changed)
		r.changed = make(chan struct{})
	}
	m.mu.Unlock()
	if err == nil && engine.Transport() == engineio.WebSocket {
		m.worked()
	}
	return engine, err
}

// worked remembers that a WebSocket did.
func (m *Manager) worked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.upgraded = true
}

// loop keeps the connection up as long as the run lasts. engine is the first
// connection, nil: it is still to be made.
func (m *Manager) loop(r *run, engine *engineio.Conn) {
	defer close(r.done)
	wait := backoff{least: m.opts.ReconnectionDelay, most: m.opts.ReconnectionDelayMax, jitter: m.opts.RandomizationFactor, rand: m.rand}
	for {
		if engine == nil {
			var err error
			if engine, err = m.dial(r.ctx, r); err != nil {
				m.failed(r, err)
				engine = nil
			} else if wait.attempts > 0 {
				for _, fn := range m.events().back {
					fn(wait.attempts)
				}
			}
		}
		if engine != nil {
			wait.attempts = 0
			<-engine.Done()
			engine = nil
		}
		if !m.again(r, &wait) {
			return
		}
	}
}

// again waits for the time of the next attempt. It reports false where there is
// none.
func (m *Manager) again(r *run, wait *backoff) bool {
	m.mu.Lock()
	over := r.ended || m.opts.NoReconnection || m.opts.ReconnectionAttempts > 0 && wait.attempts >= m.opts.ReconnectionAttempts
	var abandoned []*Socket
	told := m.told
	if over && !r.ended {
		r.ended = true
		m.run = nil
		for _, s := range m.sockets {
			abandoned = append(abandoned, s)
		}
		clear(m.sockets)
	}
	m.mu.Unlock()
	if over {
		r.cancel()
		for _, s := range abandoned {
			s.abandoned()
		}
		if len(abandoned) > 0 && !m.opts.NoReconnection {
			for _, fn := range told.given {
				fn()
			}
		}
		return false
	}
	timer := time.NewTimer(wait.next())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
		return false
	}
	for _, fn := range told.attempt {
		fn(wait.attempts)
	}
	return true
}

func (m *Manager) events() managerEvents {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

// failed tells of an attempt that failed.
func (m *Manager) failed(r *run, err error) {
	if r.ctx.Err() != nil {
		return // nobody wants to know any more
	}
	m.mu.Lock()
	var all []*Socket
	for _, s := range m.sockets {
		all = append(all, s)
	}
	told := m.told
	m.mu.Unlock()
	for _, fn := range told.failed {
		fn(err)
	}
	for _, s := range all {
		s.refused(err)
	}
}

// receiver is a manager's connection as Engine.IO sees it.
type receiver struct {
	manager *Manager
	run     *run
	engine  *engineio.Conn
	decoder parser.MessageDecoder
	broken  error // what was malformed; nil: nothing
}

var _ engineio.Handler = (*receiver)(nil)

// Message takes a message from the server.
func (r *receiver) Message(m engineio.Message) {
	if r.broken != nil {
		return
	}
	take := r.decoder.Text
	if m.Binary {
		take = r.decoder.Binary
	}
	p, ok, err := take(m.Data)
	if err != nil {
		r.broken = err
		r.end(ReasonParseError, err)
		r.engine.Close()
		return
	}
	if !ok {
		return
	}
	r.manager.mu.Lock()
	s := r.manager.sockets[p.Namespace]
	r.manager.mu.Unlock()
	if s != nil { // otherwise of a namespace that was not asked for, or left
		s.packet(r.engine, p)
	}
}

// Closed is the end of the connection.
func (r *receiver) Closed(reason engineio.Reason, err error) {
	if err == nil {
		err = errors.New(string(reason))
	}
	r.end(string(reason), err)
}

// end tells the sockets of the end.
func (r *receiver) end(reason string, err error) {
	m := r.manager
	m.mu.Lock()
	if r.run.engine == r.engine {
		r.run.engine = nil
	}
	var all []*Socket
	if m.run == r.run {
		for _, s := range m.sockets {
			all = append(all, s)
		}
	}
	m.mu.Unlock()
	for _, s := range all {
		s.lost(r.engine, reason, err)
	}
}
