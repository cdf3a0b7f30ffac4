package socketio

import (
	"slices"

	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// Broadcast is who an event is for: the sockets of a namespace that are in any
// of some rooms (all of them, where none are named) and in none of others. It
// is a value: To and Except give a new one.
type Broadcast struct {
	namespace  *Namespace
	to, except []string
}

// To adds rooms whose sockets get the event. A socket's id is a room of its own.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.to = slices.Concat(b.to, rooms)
	return b
}

// Except adds rooms whose sockets do not get the event.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = slices.Concat(b.except, rooms)
	return b
}

// Emit sends the event to whoever is there now. It is encoded once, and waits
// for nobody. Errors are those of the arguments, see [Socket.Emit]; that a
// socket leaves meanwhile is none.
func (b Broadcast) Emit(event string, args ...any) error {
	p := parser.Packet{Namespace: b.namespace.name}
	messages, err := dispatch.EncodeEvent(&p, event, args)
	if err != nil {
		return err
	}
	for _, s := range b.namespace.rooms.selected(b.to, b.except) {
		_ = s.send(&p, messages) // one that is gone, or too slow, is told so
	}
	return nil
}

// EmitError is an event that could not be encoded: JSON cannot say one of its
// arguments, or its name is reserved.
type EmitError = dispatch.EmitError
