package socketio

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
	"strata/trace"
)

// Args are the arguments of an answer: see [parser.Args.Decode].
type Args = parser.Args

// Socket is a client in a namespace. All methods may be called from any
// goroutine, also after the end.
type Socket struct {
	id        string
	conn      *conn
	namespace *Namespace
	handshake *Handshake

	handlers dispatch.Table
	acks     dispatch.Acks
	mailbox  dispatch.Mailbox

	mu          sync.Mutex
	reason      string // why it ended; "": it has not
	disconnects []func(reason string)
}

func newSocket(c *conn, n *Namespace, id string, auth []byte) *Socket {
	s := &Socket{id: id, conn: c, namespace: n, handshake: newHandshake(c.session.Handshake(), auth)}
	s.mailbox.Panicked = s.panicked
	return s
}

// ID is the socket's id: random, 20 characters, and other sockets may know it.
func (s *Socket) ID() string { return s.id }

// Namespace is what the client joined.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// Handshake is what the client said when it came.
func (s *Socket) Handshake() *Handshake { return s.handshake }

// Transport is what carries the client's connection at the moment.
func (s *Socket) Transport() engineio.Transport { return s.conn.session.Transport() }

// Connected reports whether the client is still there.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason == ""
}

// On has fn called for each event of that name. fn is a function without
// results; its parameters are decoded from the event's arguments by the rules of
// encoding/json, []byte from binary. A last parameter that is a function sends
// the answer, once; it may be called later, from any goroutine, and does nothing
// where the client wants no answer. Arguments that are missing are zero, those
// too many are ignored; where one does not fit its parameter the event is
// logged and dropped.
//
// It panics where fn cannot be called like that, or where the name is reserved.
func (s *Socket) On(event string, fn any) {
	if err := s.handlers.On(event, fn); err != nil {
		panic("socketio: On: " + err.Error())
	}
}

// Off removes the handlers of an event.
func (s *Socket) Off(event string) { s.handlers.Off(event) }

// OnDisconnect has fn called once the socket has ended, after the events that
// came before. reason is one of the Reason constants. Where the socket has
// ended already fn is never called.
func (s *Socket) OnDisconnect(fn func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnects = append(s.disconnects, fn)
}

// Emit sends an event to the client. It does not wait: errors are
// [ErrDisconnected], a full send queue (engineio.ErrSlow, which ends the
// connection), or an [*EmitError] for arguments that JSON cannot say. []byte,
// also inside structs, maps and slices, is sent as binary and must not be
// changed afterwards.
func (s *Socket) Emit(event string, args ...any) error {
	p := parser.Packet{Namespace: s.namespace.name}
	messages, err := dispatch.EncodeEvent(&p, event, args)
	if err != nil {
		return err
	}
	return s.send(&p, messages)
}

// EmitWithAck sends an event and waits for the client's answer, until ctx ends
// (the error is the context's) or the socket does ([ErrDisconnected]). Take the
// answer apart with Args.Decode. It may be called in a handler.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	p := parser.Packet{Namespace: s.namespace.name, ID: s.namespace.ackIDs.Add(1) - 1, HasID: true}
	messages, err := dispatch.EncodeEvent(&p, event, args)
	if err != nil {
		return Args{}, err
	}
	wait, forget := s.acks.Expect(p.ID)
	if err := s.send(&p, messages); err != nil {
		forget()
		return Args{}, err
	}
	answer, err := wait(ctx)
	if err != nil {
		return Args{}, fmt.Errorf("socket.io: ack of %q: %w", event, err)
	}
	return answer, nil
}

// send hands a packet, and its messages, to the connection.
func (s *Socket) send(p *parser.Packet, messages []engineio.Outgoing) error {
	if !s.Connected() {
		return ErrDisconnected
	}
	s.conn.server.trace.message(trace.Out, s.conn.session, s, p)
	err := s.conn.session.Send(messages...)
	if err == engineio.ErrClosed {
		return ErrDisconnected
	}
	return err
}

// Join puts the socket into rooms.
func (s *Socket) Join(rooms ...string) { s.namespace.rooms.join(s, rooms) }

// Leave takes the socket out of a room.
func (s *Socket) Leave(room string) {
	s.namespace.rooms.mu.Lock()
	defer s.namespace.rooms.mu.Unlock()
	s.namespace.rooms.leave(s, room)
}

// Rooms are the rooms the socket is in: first the one that is its id, then the
// others, sorted. None after the end.
func (s *Socket) Rooms() []string { return s.namespace.rooms.of(s) }

// Broadcast is everybody in the namespace but this socket.
func (s *Socket) Broadcast() Broadcast { return s.namespace.Except(s.id) }

// To is everybody in the rooms but this socket.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Except is everybody outside the rooms but this socket.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Disconnect ends the socket: the client is told that it was disconnected, with
// the reason "server namespace disconnect" here. Its events that were not yet
// handled are dropped. With closeConnection the connection, and what else
// shares it, ends as well.
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
	_ = s.send(&p, dispatch.Encode(&p)) // it may be gone already
	s.close(ReasonServerNamespaceDisconnect, true)
}

// close ends the socket, for the reason of the first call. drop forgets the
// events that wait to be handled.
func (s *Socket) close(reason string, drop bool) {
	s.mu.Lock()
	if s.reason != "" {
		s.mu.Unlock()
		return
	}
	s.reason = reason
	s.mu.Unlock()
	s.namespace.rooms.remove(s)
	s.conn.remove(s)
	s.acks.End()
	s.mailbox.Close(drop, func() {
		defer s.conn.server.running.Done()
		s.mu.Lock()
		fns := s.disconnects
		s.mu.Unlock()
		for _, fn := range fns {
			fn(reason)
		}
	})
}

// panicked is told of a handler's panic.
func (s *Socket) panicked(v any, stack []byte) {
	s.conn.server.opts.Logger.Error("socket.io: a handler panicked; its socket is disconnected",
		"panic", v, "socket", s.id, "namespace", s.namespace.name, "stack", string(stack))
	s.disconnect()
}

// packet takes a packet from the client.
func (s *Socket) packet(p parser.Packet) {
	switch p.Type {
	case parser.Event, parser.BinaryEvent:
		size := len(p.Data)
		for _, a := range p.Attachments {
			size += len(a)
		}
		s.mailbox.Put(size, func() { s.event(p) })
	case parser.Ack, parser.BinaryAck:
		if p.HasID {
			s.acks.Answer(p.ID, p.Args())
		}
	case parser.Disconnect:
		s.close(ReasonClientNamespaceDisconnect, false)
	}
}

// event has an event handled.
func (s *Socket) event(p parser.Packet) {
	var answer func(args ...any)
	if p.HasID {
		var answered atomic.Bool
		answer = func(args ...any) {
			if answered.CompareAndSwap(false, true) {
				s.ack(p.ID, args)
			}
		}
	}
	if err := s.handlers.Dispatch(&p, answer); err != nil {
		s.conn.server.opts.Logger.Warn("socket.io: an event does not fit its handler and is dropped",
			"error", err, "socket", s.id, "namespace", s.namespace.name)
	}
}

// ack sends an answer.
func (s *Socket) ack(id uint64, args []any) {
	p := parser.Packet{Namespace: s.namespace.name, ID: id, HasID: true}
	if err := p.SetAck(args...); err != nil {
		s.conn.server.opts.Logger.Error("socket.io: an answer cannot be sent", "error", err, "socket", s.id, "namespace", s.namespace.name)
		return
	}
	_ = s.send(&p, dispatch.Encode(&p)) // nobody is left to be answered
}
