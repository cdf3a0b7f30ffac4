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
	waiting map[uint64]func(parser.Args, error)
	ended   bool
}

// ExpectFunc has answered called once with the answer to id, or with
// [ErrDisconnected] when the socket ends; not after [Acks.Forget]. It must not
// block.
func (a *Acks) ExpectFunc(id uint64, answered func(parser.Args, error)) {
	a.mu.Lock()
	ended := a.ended
	if !ended {
		if a.waiting == nil {
			a.waiting = map[uint64]func(parser.Args, error){}
		}
		a.waiting[id] = answered
	}
	a.mu.Unlock()
	if ended {
		answered(parser.Args{}, ErrDisconnected)
	}
}

// Forget no longer waits for the answer to id. It reports false where it has been
// answered, or is being answered.
func (a *Acks) Forget(id uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, waited := a.waiting[id]
	delete(a.waiting, id)
	return waited
}

// Expect has an answer to id waited for; wait waits, until ctx ends or the
// socket does. Where the event could not be sent, call Forget instead.
func (a *Acks) Expect(id uint64) (wait func(ctx context.Context) (parser.Args, error)) {
	type answer struct {
		args parser.Args
		err  error
	}
	ch := make(chan answer, 1)
	a.ExpectFunc(id, func(args parser.Args, err error) { ch <- answer{args, err} })
	return func(ctx context.Context) (parser.Args, error) {
		select {
		case got := <-ch:
			return got.args, got.err
		case <-ctx.Done():
			a.Forget(id)
			return parser.Args{}, ctx.Err()
		}
	}
}

// Answer hands over the answer to id. It reports whether anybody waited: a
// second answer, or one to a question never asked, is nothing.
func (a *Acks) Answer(id uint64, args parser.Args) bool {
	a.mu.Lock()
	answered := a.waiting[id]
	delete(a.waiting, id)
	a.mu.Unlock()
	if answered == nil {
		return false
	}
	answered(args, nil)
	return true
}

// Len is how many answers are waited for.
func (a *Acks) Len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting)
}

// Disconnect has everybody who waits told [ErrDisconnected]. Who waits later
// waits again.
func (a *Acks) Disconnect() {
	a.mu.Lock()
	waiting := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	for _, answered := range waiting {
		answered(parser.Args{}, ErrDisconnected)
	}
}

// End has everybody who waits, now or later, told [ErrDisconnected].
func (a *Acks) End() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.Disconnect()
}
