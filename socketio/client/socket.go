package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
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
	opts      Options
	url       string // of the server's Engine.IO
	namespace string

	handlers dispatch.Table
	acks     dispatch.Acks
	mailbox  dispatch.Mailbox
	ackIDs   atomic.Uint64
	decoder  parser.Decoder // of the goroutine that reads
	joined   chan error     // the answer to CONNECT
	answered bool           // it was given; of the goroutine that reads

	mu          sync.Mutex
	dialled     bool
	engine      *engineio.Conn
	id          string
	connected   bool
	reason      string // why it ended; "": it has not
	disconnects []func(reason string)
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

// New makes a socket that is not connected yet. The URL is http, https, ws or
// wss; its path is the namespace, as with the official client, and its query
// goes to the server. opts may be nil.
func New(rawURL string, opts *Options) (*Socket, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("socket.io: %w", err)
	}
	s := &Socket{joined: make(chan error, 1)}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.Default()
	}
	if slices.ContainsFunc(s.opts.Transports, func(t engineio.Transport) bool { return t != engineio.WebSocket }) {
		return nil, fmt.Errorf("socket.io: transports %v: this client speaks only %q yet", s.opts.Transports, engineio.WebSocket)
	}
	s.namespace = "/" + strings.TrimPrefix(u.Path, "/")
	if strings.Contains(s.namespace, ",") {
		return nil, fmt.Errorf("socket.io: namespace %q: a comma cannot be in a namespace's name", s.namespace)
	}
	u.Path, u.RawPath = s.opts.Path, ""
	if u.Path == "" {
		u.Path = "/socket.io/"
	}
	s.url = u.String()
	s.mailbox.Panicked = s.panicked
	return s, nil
}

// Connect connects to the server and joins the namespace. ctx bounds that, and
// nothing after it: give it a deadline. A socket connects once. Where the server
// does not let the client in, the error is a [*ConnectError].
func (s *Socket) Connect(ctx context.Context) error {
	hello := parser.Packet{Type: parser.Connect, Namespace: s.namespace}
	if s.opts.Auth != nil {
		auth, err := json.Marshal(s.opts.Auth)
		if err != nil || !bytes.HasPrefix(auth, []byte("{")) {
			return fmt.Errorf("socket.io: connect: Auth is no JSON object: %T (%v)", s.opts.Auth, err)
		}
		hello.Data = auth
	}
	s.mu.Lock()
	twice := s.dialled
	s.dialled = true
	s.mu.Unlock()
	if twice {
		return errors.New("socket.io: connect: a socket connects once")
	}
	engine, err := engineio.Dial(ctx, s.url, &engineio.DialOptions{
		DialContext: s.opts.DialContext, TLSConfig: s.opts.TLSConfig, Header: s.opts.Header,
		MaxMessage: s.opts.MaxMessage, Rand: s.opts.Rand, Recorder: s.opts.Recorder, Host: s.opts.Host,
	}, func(c *engineio.Conn) engineio.Handler {
		s.mu.Lock()
		s.engine = c
		s.mu.Unlock()
		s.trace(trace.Out, &hello)
		_ = c.Send(dispatch.Encode(parser.Default, &hello)...) // nothing waits yet: it fits
		return receiver{s}
	})
	if err != nil {
		return fmt.Errorf("socket.io: connect: %w", err)
	}
	select {
	case err = <-s.joined:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		engine.Close()
		return fmt.Errorf("socket.io: join %s: %w", s.namespace, err)
	}
	return nil
}

// ID is the socket's id, as the server gave it. Empty before it is connected.
func (s *Socket) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Namespace is what the socket joins, like "/".
func (s *Socket) Namespace() string { return s.namespace }

// Connected reports whether the socket is connected.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// On has fn called for each event of that name, one event at a time, in order.
// fn is a function without results; its parameters are decoded from the event's
// arguments by the rules of encoding/json, []byte from binary, and a last
// parameter that is a function sends the answer. Arguments that are missing are
// zero, those too many are ignored; where one does not fit its parameter the
// event is logged and dropped. It panics where fn cannot be called like that, or
// where the name is reserved.
func (s *Socket) On(event string, fn any) (off func()) {
	off, err := s.handlers.On(event, fn, false)
	if err != nil {
		panic("client: On: " + err.Error())
	}
	return off
}

// Off removes the handlers of an event.
func (s *Socket) Off(event string) { s.handlers.Off(event) }

// OnDisconnect has fn called once the socket, having been connected, has ended,
// after the events that came before. reason is one of the Reason constants.
func (s *Socket) OnDisconnect(fn func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnects = append(s.disconnects, fn)
}

// Emit sends an event. It does not wait: errors are [ErrDisconnected], a full
// send queue (engineio.ErrSlow, which ends the connection), or an [*EmitError].
// []byte is sent as binary and must not be changed afterwards.
func (s *Socket) Emit(event string, args ...any) error {
	p := parser.Packet{Namespace: s.namespace}
	return s.emit(&p, event, args)
}

// EmitWithAck sends an event and waits for the answer, until ctx ends (the error
// is the context's) or the socket does ([ErrDisconnected]). It may be called in
// a handler.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	p := parser.Packet{Namespace: s.namespace, ID: s.ackIDs.Add(1) - 1, HasID: true}
	wait := s.acks.Expect(p.ID)
	if err := s.emit(&p, event, args); err != nil {
		s.acks.Forget(p.ID)
		return Args{}, err
	}
	answer, err := wait(ctx)
	if err != nil {
		return Args{}, fmt.Errorf("socket.io: ack of %q: %w", event, err)
	}
	return answer, nil
}

func (s *Socket) emit(p *parser.Packet, event string, args []any) error {
	if err := dispatch.SetEvent(p, event, args); err != nil {
		return err
	}
	return s.send(p, dispatch.Encode(parser.Default, p))
}

func (s *Socket) send(p *parser.Packet, messages []engineio.Outgoing) error {
	s.mu.Lock()
	connected, engine := s.connected, s.engine
	s.mu.Unlock()
	if !connected {
		return ErrDisconnected
	}
	s.trace(trace.Out, p)
	err := engine.Send(messages...)
	if err == engineio.ErrClosed {
		return ErrDisconnected
	}
	return err
}

// Close leaves the namespace and ends the connection, after what was emitted
// before is sent. It waits until the connection is gone, not for handlers: it
// may be called in one. Closing a socket that is not connected does nothing.
func (s *Socket) Close() error {
	bye := parser.Packet{Type: parser.Disconnect, Namespace: s.namespace}
	_ = s.send(&bye, dispatch.Encode(parser.Default, &bye))
	s.end(ReasonClientDisconnect)
	s.mu.Lock()
	engine := s.engine
	s.mu.Unlock()
	if engine != nil {
		engine.Close()
		<-engine.Done()
	}
	return nil
}

// end ends the socket, for the reason of the first call.
func (s *Socket) end(reason string) {
	s.mu.Lock()
	if s.reason != "" {
		s.mu.Unlock()
		return
	}
	s.reason = reason
	was := s.connected
	s.connected = false
	s.mu.Unlock()
	s.acks.End()
	s.mailbox.Close(false, func() {
		if !was {
			return
		}
		s.mu.Lock()
		fns := s.disconnects
		s.mu.Unlock()
		for _, fn := range fns {
			fn(reason)
		}
	})
}

func (s *Socket) panicked(v any, stack []byte) {
	s.opts.Logger.Error("socket.io: a handler panicked; its socket is closed", "panic", v, "stack", string(stack))
	go s.Close()
}

func (s *Socket) trace(dir trace.Direction, p *parser.Packet) {
	if s.opts.Recorder == nil {
		return
	}
	s.mu.Lock()
	id, engine := s.id, s.engine
	s.mu.Unlock()
	m := dispatch.MessageOf(p)
	m.SID = id
	s.opts.Recorder.Record(trace.Event{At: time.Now(), Host: s.opts.Host, Dir: dir, Flow: engine.Flow(), What: m})
}
