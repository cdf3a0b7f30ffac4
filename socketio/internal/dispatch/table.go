package dispatch

import (
	"fmt"
	"sync"

	"strata/socketio/parser"
)

// Table is the handlers of a socket, by event. The zero value has none.
type Table struct {
	mu       sync.RWMutex
	handlers map[string][]Handler
}

// On adds a handler; those of one event are called in the order they were
// added. The error says what is wrong with the name or the function.
func (t *Table) On(event string, fn any) error {
	if parser.Reserved(event) {
		return fmt.Errorf("event %q is reserved by Socket.IO (for the end of a connection there is OnDisconnect)", event)
	}
	h, err := NewHandler(fn)
	if err != nil {
		return fmt.Errorf("event %q: %w", event, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.handlers == nil {
		t.handlers = map[string][]Handler{}
	}
	// A new slice: Dispatch goes through the old one without the lock.
	old := t.handlers[event]
	t.handlers[event] = append(old[:len(old):len(old)], h)
	return nil
}

// Off removes the handlers of an event.
func (t *Table) Off(event string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.handlers, event)
}

// Dispatch calls the handlers of the event in p, an EVENT or BINARY_EVENT. An
// event without handlers is nobody's concern. answer is as for [Handler.Call].
func (t *Table) Dispatch(p *parser.Packet, answer func(args ...any)) error {
	name, args := p.Event()
	t.mu.RLock()
	handlers := t.handlers[string(name)]
	t.mu.RUnlock()
	for _, h := range handlers {
		if err := h.Call(args, answer); err != nil {
			return fmt.Errorf("event %q: %w", name, err)
		}
	}
	return nil
}
