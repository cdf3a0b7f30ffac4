package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
	"strata/trace"
)

// Args are the arguments of an answer: see [parser.Args.Decode].
type Args = parser.Args

// Socket is a connection to a namespace of a server. All methods may be called
// from any goroutine.
type Socket struct {
	manager   *Manager
	opts      *Options // the manager's
	namespace string
	auth      any
	authFunc  func(ctx context.Context) (any, error)
	clientID  string // for MessageIDs; "": none

	handlers dispatch.Table
	anyIn    dispatch.AnyList
	anyOut   dispatch.AnyList
	acks     dispatch.Acks
	mailbox  dispatch.Mailbox
	ackIDs   atomic.Uint64

	mu        sync.Mutex
	active    bool           // it wants to be connected
	engine    *engineio.Conn // by which it has asked to join, or joined; nil: none
	joined    chan error     // told how that went, once; nil: nobody asks
	connected bool
	id        string
	pid       string // names the session to the server; "": it cannot be continued
	offset    string // of the last event that came with one
	recovered bool
	buffer    outbox
	early     []parser.Packet // events that came before the server let us in
	retries   retryQueue
	told      socketEvents
	ctx       context.Context // of this connection; nil: nobody asked
	cancel    context.CancelCauseFunc
}

type socketEvents struct {
	connects    []func()
	errs        []func(error)
	disconnects []func(reason string)
}

func newSocket(m *Manager, namespace string) *Socket {
	s := &Socket{manager: m, opts: &m.opts, namespace: namespace}
	s.mailbox.Panicked = s.panicked
	s.buffer.limits = [2]int{m.opts.MaxBuffered, m.opts.MaxBufferedBytes}
	if m.opts.MessageIDs {
		var raw [15]byte
		if _, err := io.ReadFull(m.rand, raw[:]); err == nil {
			s.clientID = base64.RawURLEncoding.EncodeToString(raw[:])
		}
	}
	return s
}

// Dial makes a socket and connects it: see [New] and [Socket.Connect].
func Dial(ctx context.Context, rawURL string, opts *Options) (*Socket, error) {
	s, err := New(rawURL, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Connect(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// New makes a socket with a [Manager] of its own, not connected yet. The URL is
// http, https, ws or wss; its path is the namespace, as with the official
// client, and its query goes to the server. opts may be nil.
func New(rawURL string, opts *Options) (*Socket, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("socket.io: %w", err)
	}
	m, err := NewManager(rawURL, opts)
	if err != nil {
		return nil, err
	}
	return m.Socket(u.Path, opts)
}

// Connect connects to the server and joins the namespace: it makes one attempt,
// where the manager is not connected yet, and says how that went. ctx bounds it,
// and nothing after it: give it a deadline. Where the server does not let the
// client in, the error is a [*ConnectError]. When the connection is lost later,
// a new one is made, see Options.NoReconnection.
//
// Connecting a socket that is connected does nothing.
func (s *Socket) Connect(ctx context.Context) error {
	if s.Connected() {
		return nil
	}
	if _, err := s.authPayload(ctx, false); err != nil {
		return fmt.Errorf("socket.io: connect: %w", err)
	}
	joined := make(chan error, 1)
	s.mu.Lock()
	s.active = true
	s.joined = joined
	s.mu.Unlock()
	s.mailbox.Refuse(false)
	run, first, err := s.manager.enter(s)
	if err != nil {
		s.giveUp()
		return fmt.Errorf("socket.io: connect: %w", err)
	}
	if first {
		engine, err := s.manager.dial(ctx, run)
		if err != nil {
			s.giveUp()
			if s.manager.wanted(run) {
				go s.manager.loop(run, nil) // by another socket, meanwhile
			} else {
				close(run.done)
			}
			return fmt.Errorf("socket.io: connect: %w", err)
		}
		go s.manager.loop(run, engine)
	} else if engine := s.manager.Engine(); engine != nil {
		s.join(engine)
	}
	select {
	case err = <-joined:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.Close()
		return fmt.Errorf("socket.io: join %s: %w", s.namespace, err)
	}
	return nil
}

// Open has the socket connected in the background, with as many attempts as the
// options allow: OnConnect and OnConnectError tell how that goes. What is
// emitted meanwhile is kept.
func (s *Socket) Open() error {
	s.mu.Lock()
	if s.active {
		s.mu.Unlock()
		return nil
	}
	s.active = true
	s.mu.Unlock()
	s.mailbox.Refuse(false)
	run, first, err := s.manager.enter(s)
	if err != nil {
		s.giveUp()
		return fmt.Errorf("socket.io: connect: %w", err)
	}
	if first {
		go s.manager.loop(run, nil)
	} else if engine := s.manager.Engine(); engine != nil {
		s.join(engine)
	}
	return nil
}

// giveUp is the end of an attempt that did not work.
func (s *Socket) giveUp() {
	s.mu.Lock()
	s.active, s.joined, s.engine = false, nil, nil
	s.mu.Unlock()
	s.retries.wake()
	s.manager.leave(s)
}

// ID is the socket's id, as the server gave it; it is another one after each
// connection that did not continue the last. Empty while it is not connected.
func (s *Socket) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Namespace is what the socket joins, like "/".
func (s *Socket) Namespace() string { return s.namespace }

// Manager is what connects the socket.
func (s *Socket) Manager() *Manager { return s.manager }

// Connected reports whether the socket is connected.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// Active reports whether the socket is connected, or will be without further
// ado.
func (s *Socket) Active() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

// Recovered reports whether the connection continues the one before: nothing was
// missed.
func (s *Socket) Recovered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recovered
}

// Context ends when the socket is disconnected, or is ended already where it is
// not connected.
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancelCause(context.Background())
		if !s.connected {
			s.cancel(ErrDisconnected)
		}
	}
	return s.ctx
}

// On has fn called for each event of that name, one event at a time, in order,
// until off is called. fn is a function whose parameters are decoded from the
// event's arguments by the rules of encoding/json, []byte from binary.
// Arguments that are missing are zero, those too many are ignored; where one
// does not fit its parameter the event is logged and dropped. A first parameter
// that is a context.Context ends with the connection. A last parameter that is
// a function sends the answer, or fn returns it, and perhaps an error. It panics
// where fn cannot be called like that, or where the name is reserved.
func (s *Socket) On(event string, fn any) (off func()) { return s.listen(event, fn, false) }

// Once is On for the next event only.
func (s *Socket) Once(event string, fn any) (off func()) { return s.listen(event, fn, true) }

func (s *Socket) listen(event string, fn any, once bool) (off func()) {
	off, err := s.handlers.On(event, fn, once)
	if err != nil {
		panic("client: On: " + err.Error())
	}
	return off
}

// Off removes the handlers of an event.
func (s *Socket) Off(event string) { s.handlers.Off(event) }

// EventNames are the events that have handlers, sorted.
func (s *Socket) EventNames() []string { return s.handlers.Events() }

// OnAny has fn called for every event from the server, before its handlers,
// until off is called.
func (s *Socket) OnAny(fn func(event string, args Args)) (off func()) { return s.anyIn.Add(fn, false) }

// PrependAny is OnAny, but before the others.
func (s *Socket) PrependAny(fn func(event string, args Args)) (off func()) {
	return s.anyIn.Add(fn, true)
}

// OffAny removes all that OnAny added.
func (s *Socket) OffAny() { s.anyIn.Clear() }

// OnAnyOutgoing has fn called for every event that is emitted, until off is
// called.
func (s *Socket) OnAnyOutgoing(fn func(event string, args Args)) (off func()) {
	return s.anyOut.Add(fn, false)
}

// PrependAnyOutgoing is OnAnyOutgoing, but before the others.
func (s *Socket) PrependAnyOutgoing(fn func(event string, args Args)) (off func()) {
	return s.anyOut.Add(fn, true)
}

// OffAnyOutgoing removes all that OnAnyOutgoing added.
func (s *Socket) OffAnyOutgoing() { s.anyOut.Clear() }

// OnConnect has fn called each time the socket has been connected, before the
// events that come by that connection.
func (s *Socket) OnConnect(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.connects = append(slices.Clone(s.told.connects), fn)
}

// OnConnectError has fn called each time an attempt to connect failed. Where the
// error is a [*ConnectError] the server refused, and there are no further
// attempts until Connect or Open is called.
func (s *Socket) OnConnectError(fn func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.errs = append(slices.Clone(s.told.errs), fn)
}

// OnDisconnect has fn called each time the socket, having been connected, has
// ceased to be, after the events that came before. reason is one of the Reason
// constants.
func (s *Socket) OnDisconnect(fn func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.disconnects = append(slices.Clone(s.told.disconnects), fn)
}

// Close leaves the namespace, and ends the connection where no other socket
// shares it, after what was emitted before is sent. It waits until the
// connection is gone, not for handlers: it may be called in one. Closing a
// socket that is not connected only has it stop trying.
func (s *Socket) Close() error {
	s.mu.Lock()
	engine, connected := s.engine, s.connected
	s.active = false
	s.mu.Unlock()
	if connected {
		bye := parser.Packet{Type: parser.Disconnect, Namespace: s.namespace}
		_ = engine.Send(s.sending(&bye, dispatch.Encode(s.opts.Parser, &bye))...) // it may be gone already
	}
	s.mailbox.Refuse(true)
	run := s.manager.leave(s)
	s.ended(ReasonClientDisconnect, ErrDisconnected)
	if run != nil {
		<-run.done
	}
	return nil
}

// authPayload is what goes with the request to join. The function is only asked
// where ask says so: it may take its time.
func (s *Socket) authPayload(ctx context.Context, ask bool) ([]byte, error) {
	auth := s.auth
	if s.authFunc != nil {
		if !ask {
			return nil, nil
		}
		var err error
		if auth, err = s.authFunc(ctx); err != nil {
			return nil, err
		}
	}
	data := []byte("{}")
	if auth != nil {
		var err error
		if data, err = json.Marshal(auth); err != nil || !bytes.HasPrefix(data, []byte("{")) {
			return nil, fmt.Errorf("option Auth is no JSON object: %T (%v)", auth, err)
		}
	}
	return data, nil
}

// join asks the server to let the socket in.
func (s *Socket) join(engine *engineio.Conn) {
	s.mu.Lock()
	if s.engine == engine || !s.active {
		s.mu.Unlock()
		return
	}
	s.engine = engine
	s.mu.Unlock()
	if s.authFunc != nil {
		go s.hello(engine)
		return
	}
	s.hello(engine)
}

func (s *Socket) hello(engine *engineio.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout)
	defer cancel()
	data, err := s.authPayload(ctx, true)
	if err != nil {
		s.refused(err)
		return
	}
	s.mu.Lock()
	own := map[string]string{}
	if s.pid != "" {
		own["pid"] = s.pid
		if s.offset != "" {
			own["offset"] = s.offset
		}
	}
	s.mu.Unlock()
	if s.clientID != "" {
		own["_mid"] = s.clientID
	}
	if len(own) > 0 {
		text, _ := json.Marshal(own) // strings
		if string(data) != "{}" {
			text = append(text[:len(text)-1], ',')
			data = append(text, data[1:]...) // as with Object.assign the program's own come last
		} else {
			data = text
		}
	}
	hello := parser.Packet{Type: parser.Connect, Namespace: s.namespace}
	if string(data) != "{}" {
		hello.Data = data
	}
	_ = engine.Send(s.sending(&hello, dispatch.Encode(s.opts.Parser, &hello))...) // if it is gone we are told
}

// answered gives Connect its answer, the first time.
func (s *Socket) answered(err error) {
	s.mu.Lock()
	joined := s.joined
	s.joined = nil
	s.mu.Unlock()
	if joined != nil {
		joined <- err
	}
}

// refused is an attempt to connect that failed.
func (s *Socket) refused(err error) {
	s.answered(err)
	s.mu.Lock()
	fns := s.told.errs
	s.mu.Unlock()
	if len(fns) > 0 {
		s.mailbox.PutNow(func() {
			for _, fn := range fns {
				fn(err)
			}
		})
	}
}

// abandoned is the end of the manager's attempts.
func (s *Socket) abandoned() {
	s.mu.Lock()
	s.active = false
	s.mu.Unlock()
	s.ended("", ErrDisconnected)
}

// lost is the end of the connection.
func (s *Socket) lost(engine *engineio.Conn, reason string, err error) {
	s.mu.Lock()
	mine := s.engine == engine
	s.mu.Unlock()
	if !mine {
		return
	}
	s.answered(fmt.Errorf("the connection ended: %w", err))
	s.ended(reason, ErrDisconnected)
}

// ended is the end of being connected, or of trying to. With reason "" the
// handlers were told before.
func (s *Socket) ended(reason string, err error) {
	s.mu.Lock()
	was := s.connected
	s.connected, s.engine, s.id, s.early = false, nil, "", nil
	if s.cancel != nil {
		s.cancel(ErrDisconnected)
		s.ctx, s.cancel = nil, nil
	}
	if !s.active {
		s.buffer.drop()
	}
	fns := s.told.disconnects
	s.mu.Unlock()
	s.answered(err)
	s.acks.Disconnect()
	s.retries.wake()
	if was && len(fns) > 0 {
		s.mailbox.PutNow(func() {
			for _, fn := range fns {
				fn(reason)
			}
		})
	}
}

func (s *Socket) panicked(v any, stack []byte) {
	s.opts.Logger.Error("socket.io: a handler panicked; its socket is closed", "panic", v, "stack", string(stack))
	go s.Close()
}

// received tells the recorder of a packet that came.
func (s *Socket) received(engine *engineio.Conn, p *parser.Packet) {
	if engine == nil || !trace.Wants(s.opts.Recorder, engine.Flow(), trace.Outline) {
		return
	}
	m := dispatch.MessageOf(p)
	m.SID, m.Session = s.ID(), engine.ID()
	s.opts.Recorder.Record(trace.Event{At: time.Now(), Host: s.opts.Host, Dir: trace.In, Flow: engine.Flow(), What: m})
}

// sending has the recorder told of a packet when its messages are queued.
func (s *Socket) sending(p *parser.Packet, messages []engineio.Outgoing) []engineio.Outgoing {
	if !trace.Wants(s.opts.Recorder, trace.Flow{}, trace.Outline) {
		return messages
	}
	m := dispatch.MessageOf(p)
	m.SID = s.ID()
	return dispatch.Told(messages, m)
}

var errNoID = errors.New("the server gave no id: is it a Socket.IO server of version 2?")
