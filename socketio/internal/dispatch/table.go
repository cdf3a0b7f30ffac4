package dispatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"strata/socketio/parser"
)

// Table is the handlers of a socket, by event. The zero value has none.
type Table struct {
	mu       sync.RWMutex
	handlers map[string][]*listener // the slices are replaced, not changed
}

type listener struct {
	Handler
	once  bool
	spent atomic.Bool // of one that is called once
}

// On adds a handler; those of one event are called in the order they were
// added. With once it is called for the next event only. off takes it away. The
// error says what is wrong with the name or the function.
func (t *Table) On(event string, fn any, once bool) (off func(), err error) {
	if parser.Reserved(event) {
		return nil, fmt.Errorf("event %q is reserved by Socket.IO (for the end of a connection there is OnDisconnect)", event)
	}
	h, err := NewHandler(fn)
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", event, err)
	}
	l := &listener{Handler: h, once: once}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.handlers == nil {
		t.handlers = map[string][]*listener{}
	}
	old := t.handlers[event]
	t.handlers[event] = append(old[:len(old):len(old)], l)
	return func() { t.remove(event, l) }, nil
}

func (t *Table) remove(event string, l *listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(t.handlers[event]), func(have *listener) bool { return have == l })
	if len(left) == 0 {
		delete(t.handlers, event)
		return
	}
	t.handlers[event] = left
}

// Off removes the handlers of an event.
func (t *Table) Off(event string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.handlers, event)
}

// Events are the names that have handlers, sorted.
func (t *Table) Events() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.handlers))
}

// Dispatch calls the handlers of the event in p, an EVENT or BINARY_EVENT. An
// event without handlers is nobody's concern. ctx and to are as for
// [Handler.Call].
func (t *Table) Dispatch(ctx func() context.Context, p *parser.Packet, to Answerer) error {
	name, args := p.Event()
	t.mu.RLock()
	listeners := t.handlers[string(name)]
	t.mu.RUnlock()
	for _, l := range listeners {
		if l.once {
			if !l.spent.CompareAndSwap(false, true) {
				continue
			}
			t.remove(string(name), l)
		}
		if err := l.Call(ctx, args, to); err != nil {
			return fmt.Errorf("event %q: %w", name, err)
		}
	}
	return nil
}
