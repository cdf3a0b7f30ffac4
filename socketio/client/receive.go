package client

import (
	"encoding/json"
	"errors"
	"sync/atomic"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// maxEarly bounds the events that are kept until the server has let us in.
const maxEarly = 256

// packet takes a packet from the server, on the goroutine that reads.
func (s *Socket) packet(engine *engineio.Conn, p parser.Packet) {
	s.received(engine, &p)
	switch p.Type {
	case parser.Connect:
		s.welcomed(engine, p)
	case parser.ConnectError:
		refused := &ConnectError{Message: string(p.Data)}
		var data struct {
			Message string
			Data    json.RawMessage
		}
		if json.Unmarshal(p.Data, &data) == nil {
			refused.Message, refused.Data = data.Message, data.Data
		}
		s.dismissed()
		s.refused(refused)
		s.ended(ReasonServerDisconnect, refused)
	case parser.Disconnect:
		s.answered(errors.New("the server disconnected the socket"))
		s.dismissed()
		s.ended(ReasonServerDisconnect, ErrDisconnected)
	case parser.Event, parser.BinaryEvent:
		s.mu.Lock()
		wait := !s.connected
		if wait && len(s.early) < maxEarly {
			s.early = append(s.early, p)
		}
		s.mu.Unlock()
		if !wait {
			s.handle(p)
		}
	case parser.Ack, parser.BinaryAck:
		if p.HasID {
			s.acks.Answer(p.ID, p.Args())
		}
	}
}

// dismissed is the server's wish that we are not connected: there is no
// reconnection then, unless the program asks for it.
func (s *Socket) dismissed() {
	s.mu.Lock()
	s.active = false
	s.mu.Unlock()
	s.manager.leave(s)
}

// welcomed takes the server's answer that the namespace is joined.
func (s *Socket) welcomed(engine *engineio.Conn, p parser.Packet) {
	var data struct{ SID, PID string }
	if json.Unmarshal(p.Data, &data) != nil || data.SID == "" {
		s.dismissed()
		s.refused(errNoID)
		s.ended(ReasonTransportError, errNoID)
		return
	}
	s.mu.Lock()
	if s.engine != engine || s.connected {
		s.mu.Unlock()
		return
	}
	s.recovered = data.PID != "" && data.PID == s.pid
	if !s.recovered {
		s.offset = ""
	}
	s.id, s.pid, s.connected = data.SID, data.PID, true
	early := s.early
	s.early = nil
	waiting := s.buffer.take()
	// What was emitted before goes out before what is emitted from now on:
	// who emits waits for the lock.
	for _, w := range waiting {
		if !w.forgotten() {
			_ = engine.Send(w.messages...) // if it is gone we are told
		}
	}
	fns := s.told.connects
	s.mu.Unlock()
	if len(fns) > 0 {
		s.mailbox.PutNow(func() {
			for _, fn := range fns {
				fn()
			}
		})
	}
	for _, p := range early {
		s.handle(p)
	}
	s.answered(nil)
	s.retries.wake()
}

// handle has an event handled, after those before it.
func (s *Socket) handle(p parser.Packet) {
	size := len(p.Data)
	for _, a := range p.Attachments {
		size += len(a)
	}
	if !s.mailbox.Put(size, engineio.Turn{}, func() { s.event(p) }) {
		return
	}
	if offset := lastString(&p); offset != "" {
		s.mu.Lock()
		if s.pid != "" {
			s.offset = offset
		}
		s.mu.Unlock()
	}
}

// lastString is the last argument of an event, where it is a string: with
// connection state recovery that is the event's offset. Events that ask for an
// ack have none.
func lastString(p *parser.Packet) (offset string) {
	if p.HasID || len(p.Data) < 3 || p.Data[len(p.Data)-2] != '"' {
		return ""
	}
	_, args := p.Event()
	for arg := range args.All() {
		offset = ""
		if raw := arg.JSON(); raw[0] == '"' {
			_ = json.Unmarshal(raw, &offset) // it is a string
		}
	}
	return offset
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
	s.anyIn.Call(&p)
	if err := s.handlers.Dispatch(s.Context, &p, dispatch.AnswerFunc(answer)); err != nil {
		s.opts.Logger.Warn("socket.io: an event is dropped", "error", err)
	}
}

// ack sends an answer.
func (s *Socket) ack(id uint64, args []any) {
	p := parser.Packet{Namespace: s.namespace, ID: id, HasID: true}
	if err := p.SetAck(args...); err != nil {
		s.opts.Logger.Error("socket.io: an answer cannot be sent", "error", err)
		return
	}
	s.mu.Lock()
	engine, connected := s.engine, s.connected
	s.mu.Unlock()
	if connected { // otherwise nobody is left to be answered
		_ = engine.Send(s.sending(&p, dispatch.Encode(s.opts.Parser, &p))...)
	}
}
