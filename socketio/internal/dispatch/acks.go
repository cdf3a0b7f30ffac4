package dispatch

import (
	"context"
	"errors"
	"sync"

	"strata/socketio/parser"
)

// ErrDisconnected is what emitting returns when the socket is not connected, or
// ceased to be while an ack was awaited.
var ErrDisconnected = errors.New("socket has been disconnected")

// Acks are the answers that a socket waits for. The zero value waits for none.
type Acks struct {
	mu      sync.Mutex
	waiting map[uint64]chan parser.Args
	ended   bool
}

// Expect has an answer to id waited for; wait waits, until ctx ends or the
// socket does. wait must be called, once; where the event could not be sent,
// call forget instead.
func (a *Acks) Expect(id uint64) (wait func(ctx context.Context) (parser.Args, error), forget func()) {
	ch := make(chan parser.Args, 1)
	a.mu.Lock()
	switch {
	case a.ended:
		close(ch)
	case a.waiting == nil:
		a.waiting = map[uint64]chan parser.Args{}
		fallthrough
	default:
		a.waiting[id] = ch
	}
	a.mu.Unlock()
	forget = func() {
		a.mu.Lock()
		delete(a.waiting, id)
		a.mu.Unlock()
	}
	wait = func(ctx context.Context) (parser.Args, error) {
		select {
		case args, ok := <-ch:
			if !ok {
				return parser.Args{}, ErrDisconnected
			}
			return args, nil
		case <-ctx.Done():
			forget()
			return parser.Args{}, ctx.Err()
		}
	}
	return wait, forget
}

// Answer hands over the answer to id. It reports whether anybody waited: a
// second answer, or one to a question never asked, is nothing.
func (a *Acks) Answer(id uint64, args parser.Args) bool {
	a.mu.Lock()
	ch := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	if ch == nil {
		return false
	}
	ch <- args
	return true
}

// End has everybody who waits, now or later, told [ErrDisconnected].
func (a *Acks) End() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	for _, ch := range a.waiting {
		close(ch)
	}
	a.waiting = nil
}
