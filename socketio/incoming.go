package socketio

import (
	"sync/atomic"

	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// incoming is an event of a client's that is to be handled: a job of the socket's
// mailbox, and who answers it.
type incoming struct {
	dispatch.Queued
	socket   *Socket
	packet   parser.Packet
	answered atomic.Bool
}

// Do has the event handled.
func (in *incoming) Do() {
	s, p := in.socket, &in.packet
	var to dispatch.Answerer
	switch {
	case p.HasID && s.clientID != "":
		once, first := s.namespace.messageIDs.first(s, p)
		if !first {
			return
		}
		to = &keptAnswer{in, once}
	case p.HasID:
		to = in
	}
	s.conn.server.counters.events.Add(1)
	s.anyIn.Call(p)
	if err := s.pass(p); err != nil {
		s.report(err)
		return
	}
	if err := s.handlers.Dispatch(s.Context, p, to); err != nil {
		s.report(err)
	}
}

// Answer answers the event, once.
func (in *incoming) Answer(args ...any) {
	if in.answered.CompareAndSwap(false, true) {
		in.socket.ack(in.packet.ID, args)
	}
}

// AnswerText is Answer of one string.
func (in *incoming) AnswerText(text string) {
	if in.answered.CompareAndSwap(false, true) {
		r := newReply()
		r.packet.SetAckText(text)
		in.socket.sendAck(in.packet.ID, r)
	}
}

// keptAnswer answers an event that has a name, so that the answer is kept.
type keptAnswer struct {
	in   *incoming
	once *sentOnce
}

// Answer answers the event, once.
func (k *keptAnswer) Answer(args ...any) {
	if k.in.answered.CompareAndSwap(false, true) {
		k.in.socket.namespace.messageIDs.answer(k.once, k.in.packet.ID, args)
	}
}

// AnswerText is Answer of one string.
func (k *keptAnswer) AnswerText(text string) { k.Answer(text) }
