package socketio

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// Args are the arguments of an answer: see [parser.Args.Decode].
type Args = parser.Args

// Socket is a client in a namespace. All methods may be called from any
// goroutine, also after the end.
type Socket struct {
	id        string
	pid       string // names its session; "": it cannot be continued
	clientID  string // that the client gave itself, for Options.MessageIDs; "": none
	recovered bool
	after     <-chan struct{} // closed when the socket whose session it continues has finished; nil: none
	over      chan struct{}   // closed when it has finished itself; nil: it cannot be continued
	conn      *conn
	namespace *Namespace
	handshake *Handshake
	logged    atomic.Uint64 // in the adapter's log: where its events begin, plus one; 0: it was never there

	handlers dispatch.Table
	anyIn    dispatch.AnyList
	anyOut   dispatch.AnyList
	acks     dispatch.Acks
	mailbox  dispatch.Mailbox

	ending sync.WaitGroup // from the end until the socket is out of the adapter

	mu     sync.Mutex
	state  socketState
	reason string // why it ended; "": it has not
	early  []string
	data   any
	more   *socketMore
}

type socketState uint8

const (
	joining socketState = iota // its middlewares are being asked
	entered                    // it is the connection's
	found                      // broadcasts find it, and the client does not know yet
	joined
	ended
)

// socketMore is what only some sockets have.
type socketMore struct {
	disconnects   []func(reason string)
	disconnecting []func(reason string)
	errs          []func(error)
	middlewares   []func(event string, args Args) error
	ctx           context.Context
	cancel        context.CancelCauseFunc
}

// extra is what only some sockets have, made when it is first needed. The caller
// has mu.
func (s *Socket) extra() *socketMore {
	if s.more == nil {
		s.more = &socketMore{}
	}
	return s.more
}

func newSocket(c *conn, n *Namespace, id string, auth []byte) *Socket {
	s := &Socket{id: id, conn: c, namespace: n, handshake: newHandshake(c.session.Handshake(), auth)}
	s.mailbox.Panicked, s.mailbox.Corks = s.panicked, c.session
	if c.server.opts.MessageIDs {
		s.clientID = clientIDOf(auth)
	}
	return s
}

// enter is the end of the middlewares.
func (s *Socket) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = entered
}

// found says that broadcasts find the socket from now on, and reports whether they
// may: it has not ended.
func (s *Socket) found() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == entered {
		s.state = found
	}
	return s.state == found || s.state == joined
}

// here reports whether something can be sent to the client, which was then told
// that it has joined: it hears that before all else, and not before broadcasts
// find the socket.
func (s *Socket) here() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == found {
		s.state = joined
		s.conn.welcome(s)
	}
	return s.state == joined
}

// arrive is for when the adapter has the socket: the client hears of it.
func (s *Socket) arrive() {
	s.found()
	if early := s.earlyRooms(true); len(early) > 0 {
		s.namespace.adapter.Join(s, early...)
	}
	s.here()
}

// earlyRooms are those that were joined before the adapter had the socket; take
// forgets them.
func (s *Socket) earlyRooms(take bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	early := s.early
	if take {
		s.early = nil
	}
	return early
}

// endedFor is why it ended; "": it has not.
func (s *Socket) endedFor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// ID is the socket's id: random, 20 characters, and other sockets may know it.
func (s *Socket) ID() string { return s.id }

// Namespace is what the client joined.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// Handshake is what the client said when it came.
func (s *Socket) Handshake() *Handshake { return s.handshake }

// Transport is what carries the client's connection at the moment.
func (s *Socket) Transport() engineio.Transport { return s.conn.session.Transport() }

// Connected reports whether the client is there: it is not while middlewares
// are asked, and after the end.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == found || s.state == joined
}

// Recovered reports whether the client continues a session, with its id, its
// rooms, its data and the events it missed: see [Recovery].
func (s *Socket) Recovered() bool { return s.recovered }

// Server is the server that the client is connected to.
func (s *Socket) Server() *Server { return s.conn.server }

// Session is the connection below. Its ID is a secret of that client.
func (s *Socket) Session() *engineio.Session { return s.conn.session }

// Waiting is what waits to be sent to the client, with all that shares its
// connection.
func (s *Socket) Waiting() (packets, bytes int) { return s.conn.session.Waiting() }

// Data is what SetData was given last: the program's own, which
// [Broadcast.FetchSockets] shows and [Recovery] keeps.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// SetData keeps something with the socket.
func (s *Socket) SetData(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = v
}

// Context ends with the socket; its cause ([context.Cause]) is then
// [ErrDisconnected].
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := s.extra()
	if more.ctx == nil {
		more.ctx, more.cancel = context.WithCancelCause(context.Background())
		if s.state == ended {
			more.cancel(ErrDisconnected)
		}
	}
	return more.ctx
}

// On has fn called for each event of that name, until off is called. fn is a
// function whose parameters are decoded from the event's arguments by the rules
// of encoding/json, []byte from binary. Arguments that are missing are zero,
// those too many are ignored; where one does not fit its parameter the event
// goes to [Socket.OnError] and is dropped.
//
// A first parameter that is a context.Context ends with the socket. The ack is
// answered in one of two ways. A last parameter that is a function sends the
// answer, once; it may be called later, from any goroutine, and does nothing
// where the client wants no answer. Or fn returns the answer, and perhaps an
// error as last result: the answer is then {"error": "its text"}, and where the
// client wants none the error goes to OnError.
//
// It panics where fn cannot be called like that, or where the name is reserved.
func (s *Socket) On(event string, fn any) (off func()) { return s.listen(event, fn, false) }

// Once is On for the next event only.
func (s *Socket) Once(event string, fn any) (off func()) { return s.listen(event, fn, true) }

func (s *Socket) listen(event string, fn any, once bool) (off func()) {
	off, err := s.handlers.On(event, fn, once)
	if err != nil {
		panic("socketio: On: " + err.Error())
	}
	return off
}

// Off removes the handlers of an event.
func (s *Socket) Off(event string) { s.handlers.Off(event) }

// EventNames are the events that have handlers, sorted.
func (s *Socket) EventNames() []string { return s.handlers.Events() }

// OnAny has fn called for every event from the client, before its handlers,
// until off is called. args is only valid during the call where the event is
// handled elsewhere, too.
func (s *Socket) OnAny(fn func(event string, args Args)) (off func()) { return s.anyIn.Add(fn, false) }

// PrependAny is OnAny, but before the others.
func (s *Socket) PrependAny(fn func(event string, args Args)) (off func()) {
	return s.anyIn.Add(fn, true)
}

// OffAny removes all that OnAny added.
func (s *Socket) OffAny() { s.anyIn.Clear() }

// OnAnyOutgoing has fn called for every event that is sent to the client,
// broadcasts too, until off is called.
func (s *Socket) OnAnyOutgoing(fn func(event string, args Args)) (off func()) {
	return s.anyOut.Add(fn, false)
}

// PrependAnyOutgoing is OnAnyOutgoing, but before the others.
func (s *Socket) PrependAnyOutgoing(fn func(event string, args Args)) (off func()) {
	return s.anyOut.Add(fn, true)
}

// OffAnyOutgoing removes all that OnAnyOutgoing added.
func (s *Socket) OffAnyOutgoing() { s.anyOut.Clear() }

// Use has fn asked about each event from the client, after OnAny's listeners and
// before the handlers, and after those that were there before. An error drops
// the event, and goes to [Socket.OnError].
func (s *Socket) Use(fn func(event string, args Args) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := s.extra()
	more.middlewares = append(more.middlewares[:len(more.middlewares):len(more.middlewares)], fn)
}

// OnError has fn told of events that were not handled: a middleware did not let
// them pass, they did not fit their handler, or that returned an error and
// nobody waits for an answer. Where nobody listens they are logged.
func (s *Socket) OnError(fn func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := s.extra()
	more.errs = append(more.errs[:len(more.errs):len(more.errs)], fn)
}

// OnDisconnect has fn called once the socket has ended, after the events that
// came before. reason is one of the Reason constants. Where the socket has
// ended already fn is never called.
func (s *Socket) OnDisconnect(fn func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := s.extra()
	more.disconnects = append(more.disconnects, fn)
}

// OnDisconnecting has fn called when the socket ends, while it is still in its
// rooms, on whatever goroutine finds out: other than OnDisconnect's it may run
// while an event is handled.
func (s *Socket) OnDisconnecting(fn func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := s.extra()
	more.disconnecting = append(more.disconnecting, fn)
}

// Emit sends an event to the client. It does not wait: errors are
// [ErrDisconnected], a full send queue (engineio.ErrSlow, which ends the
// connection), or an [*EmitError] for arguments that JSON cannot say. []byte,
// also inside structs, maps and slices, is sent as binary and must not be
// changed afterwards.
//
// Where the server has Options.Recovery, what is sent while the client is away
// is kept for it.
func (s *Socket) Emit(event string, args ...any) error {
	return Emitter{socket: s}.Emit(event, args...)
}

// Send is Emit of the event "message".
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

// EmitWait is Emit, but where too much waits to be sent it waits until there is
// room, or ctx ends.
func (s *Socket) EmitWait(ctx context.Context, event string, args ...any) error {
	return Emitter{socket: s, wait: ctx}.Emit(event, args...)
}

// EmitWithAck sends an event and waits for the client's answer, until ctx ends
// (the error is the context's) or the socket does ([ErrDisconnected]). Take the
// answer apart with Args.Decode. It may be called in a handler.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return Emitter{socket: s}.EmitWithAck(ctx, event, args...)
}

// send hands a packet, and its messages, to the connection.
func (s *Socket) send(p *parser.Packet, messages []engineio.Outgoing) error {
	if !s.here() {
		return ErrDisconnected
	}
	err := s.conn.session.Send(s.conn.server.trace.sending(s, p, messages)...)
	if err == engineio.ErrClosed {
		return ErrDisconnected
	}
	return err
}

// few is how many receivers of a broadcast are not worth the outbox.
const few = 4

// deliver hands over an event of a broadcast to that many, and reports whether it
// will be sent.
func (s *Socket) deliver(p *parser.Packet, messages []engineio.Outgoing, volatile bool, receivers int) bool {
	if !s.here() {
		return false
	}
	session := s.conn.session
	messages = s.conn.server.trace.sending(s, p, messages)
	switch {
	case volatile:
		return session.SendVolatile(messages...)
	case receivers > few:
		return session.Post(messages...) == nil // one that is gone, or too slow, is told so
	}
	return session.Send(messages...) == nil
}

// Join puts the socket into rooms. In a middleware it holds from when the client
// has joined the namespace.
func (s *Socket) Join(rooms ...string) {
	s.mu.Lock()
	if s.state == joining || s.state == entered {
		s.early = append(s.early, rooms...)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.namespace.adapter.Join(s, rooms...)
}

// Leave takes the socket out of a room.
func (s *Socket) Leave(room string) { s.namespace.adapter.Leave(s, room) }

// Rooms are the rooms the socket is in: first the one that is its id, then the
// others, sorted. None after the end.
func (s *Socket) Rooms() []string { return s.namespace.adapter.Rooms(s) }

// Broadcast is everybody in the namespace but this socket.
func (s *Socket) Broadcast() Broadcast { return s.namespace.Except(s.id) }

// Local is everybody on this server but this socket.
func (s *Socket) Local() Broadcast { return s.Broadcast().Local() }

// To is everybody in the rooms but this socket.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Except is everybody outside the rooms but this socket.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Disconnect ends the socket: the client is told that it was disconnected, with
// the reason "server namespace disconnect" here. Its events that were not yet
// handled are dropped. With closeConnection the connection, and what else
// shares it, ends as well. In a middleware only that does something: a socket that
// has not joined is refused by the middleware's error.
func (s *Socket) Disconnect(closeConnection bool) {
	if closeConnection {
		s.conn.mu.Lock()
		var all []*Socket
		for _, other := range s.conn.sockets {
			all = append(all, other)
		}
		s.conn.mu.Unlock()
		for _, other := range all {
			other.disconnect()
		}
	}
	s.disconnect()
	if closeConnection {
		s.conn.session.Close()
	}
}

func (s *Socket) disconnect() {
	p := parser.Packet{Type: parser.Disconnect, Namespace: s.namespace.name}
	s.conn.dismiss(s)
	// It may not have been found yet: the client, which asked to join, has an answer.
	s.found()
	_ = s.send(&p, dispatch.Encode(s.conn.server.opts.Parser, &p)) // it may be gone already
	s.close(ReasonServerNamespaceDisconnect, true)
}

// lost ends a socket whose client has come back by another connection. Where its end
// is already under way it waits until the session is kept.
func (s *Socket) lost() {
	s.close(ReasonTransportClose, false)
	s.ending.Wait()
	s.conn.session.Close()
}

// close ends the socket, for the reason of the first call. drop forgets the
// events that wait to be handled.
func (s *Socket) close(reason string, drop bool) {
	s.mu.Lock()
	if s.reason != "" || s.state == joining {
		s.mu.Unlock()
		return
	}
	s.reason = reason
	s.state = ended
	s.ending.Add(1)
	var disconnecting []func(string)
	if s.more != nil {
		disconnecting = s.more.disconnecting
		if s.more.cancel != nil {
			s.more.cancel(ErrDisconnected)
		}
	}
	data := s.data
	s.mu.Unlock()
	for _, fn := range disconnecting {
		s.guard(func() { fn(reason) })
	}
	if s.pid != "" && recoverable(reason) {
		from := s.logged.Load() // before the rooms: see Restore
		s.namespace.adapter.Persist(Session{ID: s.id, PID: s.pid, Rooms: s.Rooms(), Data: data, from: from, over: s.over})
	}
	s.namespace.adapter.Remove(s)
	s.ending.Done()
	s.conn.remove(s)
	s.acks.End()
	s.conn.server.counters.sockets.Add(-1)
	s.mailbox.Close(drop, func() {
		defer s.conn.server.running.Done()
		if s.over != nil {
			defer close(s.over)
		}
		s.conn.server.leave(s.namespace)
		s.mu.Lock()
		var fns []func(string)
		if s.more != nil {
			fns = s.more.disconnects
		}
		s.mu.Unlock()
		for _, fn := range fns {
			fn(reason)
		}
	})
}

// guard calls a function of the program's whose panic must not end ours.
func (s *Socket) guard(fn func()) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v, debug.Stack())
		}
	}()
	fn()
}

// panicked is told of a handler's panic.
func (s *Socket) panicked(v any, stack []byte) {
	s.conn.server.counters.panics.Add(1)
	s.conn.server.opts.Logger.Error("socket.io: a handler panicked; its socket is disconnected",
		"panic", v, "socket", s.id, "namespace", s.namespace.name, "stack", string(stack))
	s.disconnect()
}

// packet takes a packet from the client.
func (s *Socket) packet(p parser.Packet, turn engineio.Turn) {
	switch p.Type {
	case parser.Event, parser.BinaryEvent:
		size := len(p.Data)
		for _, a := range p.Attachments {
			size += len(a)
		}
		s.mailbox.Queue(size, turn, &incoming{socket: s, packet: p})
	case parser.Ack, parser.BinaryAck:
		if p.HasID {
			s.acks.Answer(p.ID, p.Args())
		}
	case parser.Disconnect:
		turn.Waits() // for OnDisconnecting
		s.close(ReasonClientNamespaceDisconnect, false)
	}
}

// pass asks the socket's middlewares about an event.
func (s *Socket) pass(p *parser.Packet) error {
	s.mu.Lock()
	var middlewares []func(string, Args) error
	if s.more != nil {
		middlewares = s.more.middlewares
	}
	s.mu.Unlock()
	if len(middlewares) == 0 {
		return nil
	}
	name, args := p.Event()
	for _, fn := range middlewares {
		if err := fn(string(name), args); err != nil {
			return err
		}
	}
	return nil
}

// report tells who listens of an event that was not handled.
func (s *Socket) report(err error) {
	s.mu.Lock()
	var fns []func(error)
	if s.more != nil {
		fns = s.more.errs
	}
	s.mu.Unlock()
	for _, fn := range fns {
		fn(err)
	}
	if len(fns) == 0 {
		s.conn.server.opts.Logger.Warn("socket.io: an event is dropped",
			"error", err, "socket", s.id, "namespace", s.namespace.name)
	}
}

// runMiddlewares asks a namespace's middlewares about the socket.
func (s *Socket) runMiddlewares(middlewares []func(*Socket) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.conn.server.counters.panics.Add(1)
			s.conn.server.opts.Logger.Error("socket.io: a middleware panicked; its client is refused",
				"panic", v, "namespace", s.namespace.name, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	for _, fn := range middlewares {
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

// ack sends an answer.
func (s *Socket) ack(id uint64, args []any) {
	r := newReply()
	if err := r.packet.SetAck(args...); err != nil {
		r.free()
		s.conn.server.opts.Logger.Error("socket.io: an answer cannot be sent", "error", err, "socket", s.id, "namespace", s.namespace.name)
		return
	}
	s.sendAck(id, r)
}

// sendAck sends the answer in r, and frees r.
func (s *Socket) sendAck(id uint64, r *reply) {
	p := &r.packet
	p.Namespace, p.ID, p.HasID = s.namespace.name, id, true
	_ = s.send(p, dispatch.AppendEncoded(r.messages[:0], s.conn.server.opts.Parser, p)) // nobody is left to be answered
	r.free()
}
