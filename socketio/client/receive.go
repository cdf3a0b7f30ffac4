package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
	"strata/trace"
)

// receiver is a Socket as its Engine.IO connection sees it.
type receiver struct{ *Socket }

var _ engineio.Handler = receiver{}

// Message takes a message from the server.
func (r receiver) Message(m engineio.Message) {
	take := r.decoder.Text
	if m.Binary {
		take = r.decoder.Binary
	}
	p, ok, err := take(m.Data)
	if err != nil {
		r.join(err)
		r.end(ReasonParseError)
		r.engine.Close()
		return
	}
	if ok {
		r.trace(trace.In, &p)
		r.packet(p)
	}
}

// Closed is the end of the connection.
func (r receiver) Closed(reason engineio.Reason, err error) {
	if err == nil {
		err = errors.New(string(reason))
	}
	r.join(fmt.Errorf("the connection ended: %w", err))
	if reason == engineio.ForcedClose {
		reason = ReasonClientDisconnect
	}
	r.end(string(reason))
}

// join gives Connect its answer, the first time it is called. What the server
// should not say before is an end to it as well.
func (r receiver) join(err error) {
	if !r.answered {
		r.answered = true
		r.joined <- err
	}
}

func (r receiver) packet(p parser.Packet) {
	if p.Namespace != r.namespace {
		return // of a namespace that was not asked for
	}
	switch p.Type {
	case parser.Connect:
		r.connect(p)
	case parser.ConnectError:
		refused := &ConnectError{Message: string(p.Data)}
		var data struct {
			Message string
			Data    json.RawMessage
		}
		if json.Unmarshal(p.Data, &data) == nil {
			refused.Message, refused.Data = data.Message, data.Data
		}
		r.join(refused)
	case parser.Disconnect:
		r.join(errors.New("the server disconnected the socket"))
		r.end(ReasonServerDisconnect)
		r.engine.Close()
	case parser.Event, parser.BinaryEvent:
		size := len(p.Data)
		for _, a := range p.Attachments {
			size += len(a)
		}
		r.mailbox.Put(size, func() { r.event(p) })
	case parser.Ack, parser.BinaryAck:
		if p.HasID {
			r.acks.Answer(p.ID, p.Args())
		}
	}
}

// connect takes the server's answer that the namespace is joined.
func (r receiver) connect(p parser.Packet) {
	var data struct{ SID string }
	if json.Unmarshal(p.Data, &data) != nil || data.SID == "" {
		r.join(errors.New("the server gave no id: is it a Socket.IO server of version 2?"))
		return
	}
	r.mu.Lock()
	if r.reason == "" {
		r.id, r.connected = data.SID, true
	}
	r.mu.Unlock()
	r.join(nil)
}

// event has an event handled.
func (r receiver) event(p parser.Packet) {
	var answer func(args ...any)
	if p.HasID {
		var answered atomic.Bool
		answer = func(args ...any) {
			if answered.CompareAndSwap(false, true) {
				r.ack(p.ID, args)
			}
		}
	}
	if err := r.handlers.Dispatch(context.Background, &p, answer); err != nil {
		r.opts.Logger.Warn("socket.io: an event does not fit its handler and is dropped", "error", err)
	}
}

// ack sends an answer.
func (r receiver) ack(id uint64, args []any) {
	p := parser.Packet{Namespace: r.namespace, ID: id, HasID: true}
	if err := p.SetAck(args...); err != nil {
		r.opts.Logger.Error("socket.io: an answer cannot be sent", "error", err)
		return
	}
	_ = r.send(&p, dispatch.Encode(parser.Default, &p)) // nobody is left to be answered
}
