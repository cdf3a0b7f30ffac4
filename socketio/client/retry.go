package client

import (
	"context"
	"errors"
	"sync"

	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// retryQueue sends events one at a time, each until it is answered or its tries
// are used up (https://socket.io/docs/v4/client-options/#retries). One goroutine
// does it, and only while there are any.
type retryQueue struct {
	mu      sync.Mutex
	items   []*retried
	running bool
	changed chan struct{} // closed when the connection has changed; nil: nobody waits
}

// retried is an event of the queue.
type retried struct {
	emitter Emitter
	event   string
	args    []any
	done    chan struct{} // closed when answer or err is there
	answer  Args
	err     error
}

// add queues an event. The error is of its arguments, or that too many wait.
func (q *retryQueue) add(s *Socket, e Emitter, event string, args []any) (*retried, error) {
	// Whether it can be written is found out now, when somebody listens.
	if err := dispatch.SetEvent(&parser.Packet{}, event, args); err != nil {
		return nil, err
	}
	if !s.Active() {
		return nil, ErrDisconnected
	}
	e.once, e.fixed, e.id = true, true, s.ackIDs.Add(1)-1
	if e.timeout <= 0 {
		e.timeout = s.opts.AckTimeout
	}
	item := &retried{emitter: e, event: event, args: args, done: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= s.opts.MaxBuffered {
		return nil, ErrBufferFull
	}
	q.items = append(q.items, item)
	if !q.running {
		q.running = true
		go q.run(s)
	}
	return item, nil
}

// wake has the queue look again whether the socket is connected.
func (q *retryQueue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

func (q *retryQueue) run(s *Socket) {
	for {
		q.mu.Lock()
		if len(q.items) == 0 {
			q.items, q.running = nil, false
			q.mu.Unlock()
			return
		}
		item := q.items[0]
		q.mu.Unlock()
		item.answer, item.err = q.deliver(s, item)
		q.mu.Lock()
		q.items[0] = nil
		q.items = q.items[1:]
		q.mu.Unlock()
		close(item.done)
	}
}

// deliver sends an event until it is answered. All tries have the same ack id:
// an answer to an earlier one is as good, and a server that knows MessageIDs
// recognizes them by it.
func (q *retryQueue) deliver(s *Socket, item *retried) (Args, error) {
	for tries := 0; ; {
		if !q.connected(s) {
			return Args{}, ErrDisconnected
		}
		answer, err := item.emitter.EmitWithAck(context.Background(), item.event, item.args...)
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, ErrDisconnected):
			continue // not the server's doing: it does not count
		case errors.Is(err, ErrAckTimeout):
			if tries++; tries <= s.opts.Retries {
				continue
			}
		}
		return Args{}, err
	}
}

// connected waits until the socket is. It reports false where it will not be.
func (q *retryQueue) connected(s *Socket) bool {
	for {
		q.mu.Lock()
		if q.changed == nil {
			q.changed = make(chan struct{})
		}
		changed := q.changed
		q.mu.Unlock()
		if s.Connected() {
			return true
		}
		if !s.Active() {
			return false
		}
		<-changed
	}
}
