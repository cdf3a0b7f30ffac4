package dispatch

import (
	"slices"
	"sync"
	"sync/atomic"

	"strata/socketio/parser"
)

// AnyFunc is told of every event, whatever its name. args may be decoded by any
// number of listeners.
type AnyFunc = func(event string, args parser.Args)

// AnyList is the catch-all listeners of a socket, in one direction. The zero
// value has none.
type AnyList struct {
	mu   sync.Mutex                 // for changes
	list atomic.Pointer[[]*AnyFunc] // replaced, not changed; nil: none
}

func (l *AnyList) all() []*AnyFunc {
	if list := l.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (l *AnyList) set(list []*AnyFunc) {
	if len(list) == 0 {
		l.list.Store(nil)
		return
	}
	l.list.Store(&list)
}

// Add adds a listener, last or first. remove takes it away again.
func (l *AnyList) Add(fn AnyFunc, first bool) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := len(l.all())
	if first {
		at = 0
	}
	l.set(slices.Insert(slices.Clone(l.all()), at, &fn))
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.set(slices.DeleteFunc(slices.Clone(l.all()), func(have *AnyFunc) bool { return have == &fn }))
	}
}

// Clear takes all listeners away.
func (l *AnyList) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(nil)
}

// Len is how many there are.
func (l *AnyList) Len() int {
	return len(l.all())
}

// Call tells the listeners of the event in p, an EVENT or BINARY_EVENT.
func (l *AnyList) Call(p *parser.Packet) {
	list := l.all()
	if len(list) == 0 {
		return
	}
	name, args := p.Event()
	event := string(name)
	for _, fn := range list {
		(*fn)(event, args)
	}
}
