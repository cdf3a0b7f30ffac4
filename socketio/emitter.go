package socketio

import (
	"context"
	"fmt"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// Emitter is how an event is sent to one client. It is a value: its methods give
// a new one.
//
//	err := s.Volatile().Compress(false).Emit("position", x, y)
type Emitter struct {
	socket   *Socket
	volatile bool
	plain    bool
	timeout  time.Duration
	wait     context.Context // for room in the send queue; nil: there is none to wait for
}

// Volatile sends the event only where the client can take it at once: where
// something waits to be sent already it is dropped, and Emit returns nil.
func (s *Socket) Volatile() Emitter { return Emitter{socket: s, volatile: true} }

// Compress says whether the event is worth compressing; it is, unless said
// otherwise.
func (s *Socket) Compress(compress bool) Emitter { return Emitter{socket: s, plain: !compress} }

// Timeout bounds how long EmitWithAck waits for the answer; the error is then
// [ErrAckTimeout].
func (s *Socket) Timeout(d time.Duration) Emitter { return Emitter{socket: s, timeout: d} }

// Volatile is as for [Socket.Volatile].
func (e Emitter) Volatile() Emitter { e.volatile = true; return e }

// Compress is as for [Socket.Compress].
func (e Emitter) Compress(compress bool) Emitter { e.plain = !compress; return e }

// Timeout is as for [Socket.Timeout].
func (e Emitter) Timeout(d time.Duration) Emitter { e.timeout = d; return e }

// Emit sends the event, see [Socket.Emit].
func (e Emitter) Emit(event string, args ...any) error {
	s := e.socket
	if s.pid != "" && !e.volatile && e.wait == nil {
		return s.emitLogged(event, args)
	}
	p := parser.Packet{Namespace: s.namespace.name}
	return e.emit(&p, event, args)
}

// EmitWithAck sends the event and waits for the answer, see
// [Socket.EmitWithAck].
func (e Emitter) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	s := e.socket
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.timeout, ErrAckTimeout)
		defer cancel()
	}
	p := parser.Packet{Namespace: s.namespace.name, ID: s.namespace.ackIDs.Add(1) - 1, HasID: true}
	wait := s.acks.Expect(p.ID)
	if err := e.emit(&p, event, args); err != nil {
		s.acks.Forget(p.ID)
		return Args{}, err
	}
	answer, err := wait(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Args{}, fmt.Errorf("socket.io: ack of %q: %w", event, err)
	}
	return answer, nil
}

func (e Emitter) emit(p *parser.Packet, event string, args []any) error {
	s := e.socket
	if err := dispatch.SetEvent(p, event, args); err != nil {
		return err
	}
	var room [2]engineio.Outgoing
	messages := dispatch.AppendEncoded(room[:0], s.conn.server.opts.Parser, p)
	if e.plain {
		for i := range messages {
			messages[i] = messages[i].Uncompressed()
		}
	}
	var err error
	switch {
	case e.volatile:
		if !s.here() {
			return ErrDisconnected
		}
		s.deliver(p, messages, true, 1)
	case e.wait != nil:
		if !s.here() {
			return ErrDisconnected
		}
		if err = s.conn.session.SendWait(e.wait, s.conn.server.trace.sending(s, p, messages)...); err == engineio.ErrClosed {
			err = ErrDisconnected
		}
	default:
		err = s.send(p, messages)
	}
	if err == nil {
		s.anyOut.Call(p)
	}
	return err
}
