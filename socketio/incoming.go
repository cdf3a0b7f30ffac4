package socketio

import (
	"sync/atomic"

	"strata/socketio/parser"
)

// incoming is an event of a client's that is to be handled.
type incoming struct {
	socket   *Socket
	packet   parser.Packet
	answered atomic.Bool
}

// handle has the event handled.
func (in *incoming) handle() {
	s, p := in.socket, &in.packet
	var answer func(args ...any)
	switch {
	case p.HasID && s.clientID != "":
		once, first := s.namespace.messageIDs.first(s, p)
		if !first {
			return
		}
		answer = func(args ...any) {
			if in.answered.CompareAndSwap(false, true) {
				s.namespace.messageIDs.answer(once, p.ID, args)
			}
		}
	case p.HasID:
		answer = in.answer
	}
	s.conn.server.counters.events.Add(1)
	s.anyIn.Call(p)
	if err := s.pass(p); err != nil {
		s.report(err)
		return
	}
	if err := s.handlers.Dispatch(s.Context, p, answer); err != nil {
		s.report(err)
	}
}

// answer answers the event, once.
func (in *incoming) answer(args ...any) {
	if in.answered.CompareAndSwap(false, true) {
		in.socket.ack(in.packet.ID, args)
	}
}
