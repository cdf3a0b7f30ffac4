package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// ErrBufferFull is what emitting returns when too much waits for the connection:
// see Options.MaxBuffered.
var ErrBufferFull = errors.New("too much waits for the connection to the server")

// ErrAckTimeout is why an ack is no longer waited for: its time is over.
var ErrAckTimeout = errors.New("operation has timed out")

// Emitter is how an event is sent. It is a value: its methods give a new one.
//
//	err := s.Volatile().Emit("position", x, y)
type Emitter struct {
	socket   *Socket
	volatile bool
	plain    bool
	timeout  time.Duration
	once     bool   // it does not go through the queue of Options.Retries
	id       uint64 // of the ack, where fixed
	fixed    bool
}

// Volatile sends the event only where it can go at once: while the socket is not
// connected, or something waits to be sent, it is dropped, and Emit returns nil.
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

// Emit sends an event. It does not wait. While the socket is not connected the
// event is kept, and sent when it is; after Close the error is
// [ErrDisconnected]. Other errors are [ErrBufferFull], a full send queue
// (engineio.ErrSlow, which ends the connection), or an [*EmitError]. []byte is
// sent as binary and must not be changed afterwards.
//
// With Options.Retries the event is queued until the server has answered it.
func (s *Socket) Emit(event string, args ...any) error {
	return Emitter{socket: s}.Emit(event, args...)
}

// Send is Emit of the event "message".
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

// EmitWithAck sends an event and waits for the answer, until ctx ends (the error
// is the context's) or the connection is lost ([ErrDisconnected]). It may be
// called in a handler. An event that was not sent when ctx ends is not sent any
// more.
//
// With Options.Retries it waits until the server has answered one of the tries,
// over lost connections, or the last has failed.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return Emitter{socket: s}.EmitWithAck(ctx, event, args...)
}

// Emit is as for [Socket.Emit].
func (e Emitter) Emit(event string, args ...any) error {
	s := e.socket
	if s.opts.Retries > 0 && !e.volatile && !e.once {
		_, err := s.retries.add(s, e, event, args)
		return err
	}
	p := &parser.Packet{Namespace: s.namespace}
	_, err := e.emit(p, event, args)
	return err
}

// EmitWithAck is as for [Socket.EmitWithAck].
func (e Emitter) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	s := e.socket
	if s.opts.Retries > 0 && !e.volatile && !e.once {
		item, err := s.retries.add(s, e, event, args)
		if err != nil {
			return Args{}, err
		}
		select {
		case <-item.done:
		case <-ctx.Done():
			return Args{}, ctx.Err()
		}
		if item.err != nil {
			return Args{}, fmt.Errorf("socket.io: ack of %q: %w", event, item.err)
		}
		return item.answer, nil
	}
	timeout := e.timeout
	if timeout <= 0 {
		timeout = s.opts.AckTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, ErrAckTimeout)
		defer cancel()
	}
	id := e.id
	if !e.fixed {
		id = s.ackIDs.Add(1) - 1
	}
	p := &parser.Packet{Namespace: s.namespace, ID: id, HasID: true}
	wait := s.acks.Expect(p.ID)
	buffered, err := e.emit(p, event, args)
	if err != nil {
		s.acks.Forget(p.ID)
		return Args{}, err
	}
	answer, err := wait(ctx)
	if err != nil {
		if buffered != nil {
			buffered.forget.Store(true)
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Args{}, fmt.Errorf("socket.io: ack of %q: %w", event, err)
	}
	return answer, nil
}

// emit sends an event, or keeps it until it can be sent: then it returns what is
// kept.
func (e Emitter) emit(p *parser.Packet, event string, args []any) (*waiting, error) {
	s := e.socket
	if err := dispatch.SetEvent(p, event, args); err != nil {
		return nil, err
	}
	messages := dispatch.Encode(s.opts.Parser, p)
	if e.plain {
		for i := range messages {
			messages[i] = messages[i].Uncompressed()
		}
	}
	messages = s.sending(p, messages)
	kept, sent, err := s.hand(e, p, messages)
	if sent {
		s.anyOut.Call(p)
	}
	return kept, err
}

// hand hands an event to the connection, or keeps it until there is one. All under
// the lock, so that nothing overtakes what was kept, and nothing is kept that is no
// longer waited for: what is kept goes out when the socket is next connected.
func (s *Socket) hand(e Emitter, p *parser.Packet, messages []engineio.Outgoing) (kept *waiting, sent bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.connected && e.volatile:
		return nil, s.engine.SendVolatile(messages...), nil
	case e.volatile:
		return nil, false, nil
	case s.connected:
		// One that has ended, of which we are about to be told, is as none.
		if err := s.engine.Send(messages...); err != engineio.ErrClosed {
			return nil, err == nil, err
		}
	}
	kept, err = s.keep(p, messages)
	return kept, false, err
}

// keep keeps an event until the socket is connected. The caller has mu.
func (s *Socket) keep(p *parser.Packet, messages []engineio.Outgoing) (*waiting, error) {
	w := &waiting{packet: p, messages: messages, size: len(p.Data)}
	for _, a := range p.Attachments {
		w.size += len(a)
	}
	if !s.active || s.opts.NoReconnection {
		return nil, ErrDisconnected
	}
	if !s.buffer.add(w) {
		return nil, ErrBufferFull
	}
	return w, nil
}

// outbox is what was emitted while disconnected. The socket's lock guards it.
type outbox struct {
	limits [2]int // packets, bytes
	list   []*waiting
	bytes  int
}

// waiting is one event of it.
type waiting struct {
	packet   *parser.Packet
	messages []engineio.Outgoing
	size     int
	forget   atomic.Bool // nobody waits for its answer any more
}

func (w *waiting) forgotten() bool { return w.forget.Load() }

func (o *outbox) add(w *waiting) bool {
	if len(o.list) > 0 && (len(o.list) >= o.limits[0] || o.bytes+w.size > o.limits[1]) {
		return false
	}
	o.list = append(o.list, w)
	o.bytes += w.size
	return true
}

func (o *outbox) take() []*waiting {
	list := o.list
	o.list, o.bytes = nil, 0
	return list
}

func (o *outbox) drop() { o.take() }
