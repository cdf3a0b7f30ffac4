package typed

import (
	"context"
	"encoding/json"
	"errors"

	"strata/socketio/parser"
)

// Emitter is whoever an event can be sent to: a socket of the server or of the
// client, a namespace, a broadcast.
type Emitter interface {
	Emit(event string, args ...any) error
}

// Listener is whoever hears events: a socket of either side.
type Listener interface {
	On(event string, fn any) (off func())
}

// Caller is whoever an event can be sent to that answers: a socket of either
// side.
type Caller interface {
	EmitWithAck(ctx context.Context, event string, args ...any) (parser.Args, error)
}

// Event is an event with one argument of type T; its name is the value.
type Event[T any] string

// Emit sends the event.
func (e Event[T]) Emit(to Emitter, v T) error { return to.Emit(string(e), v) }

// On has fn called for each event, until off is called.
func (e Event[T]) On(l Listener, fn func(T)) (off func()) { return l.On(string(e), fn) }

// Call is an event with one argument that is answered; its name is the value.
type Call[Request, Reply any] string

// Do sends the event and waits for the answer. Where the other side's handler
// returned an error, that is a [*Error].
func (c Call[Request, Reply]) Do(ctx context.Context, to Caller, request Request) (reply Reply, err error) {
	answer, err := to.EmitWithAck(ctx, string(c), request)
	if err != nil {
		return reply, err
	}
	if failed := failure(answer); failed != nil {
		return reply, failed
	}
	return reply, answer.Decode(&reply)
}

// Handle has fn answer the event, until off is called. ctx ends with the socket.
// An error of fn becomes a [*Error] at the other side.
func (c Call[Request, Reply]) Handle(l Listener, fn func(ctx context.Context, request Request) (Reply, error)) (off func()) {
	return l.On(string(c), fn)
}

// Error is an error that a handler of the other side returned.
type Error struct {
	Message string          `json:"error"`
	Data    json.RawMessage `json:"data"` // more about it; nil where there is none
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Decode stores the data in the value that v points to.
func (e *Error) Decode(v any) error {
	if len(e.Data) == 0 {
		return errors.New("the error has no data")
	}
	return json.Unmarshal(e.Data, v)
}

// failure is the answer as an error; nil where it is none: it has to be an object
// of a string "error" and perhaps "data", and of nothing else.
func failure(answer parser.Args) *Error {
	for arg := range answer.All() {
		var members map[string]json.RawMessage
		if json.Unmarshal(arg.JSON(), &members) != nil || len(members) == 0 || len(members) > 2 {
			return nil
		}
		var failed Error
		if _, has := members["error"]; !has || json.Unmarshal(members["error"], &failed.Message) != nil {
			return nil
		}
		if len(members) == 2 {
			data, has := members["data"]
			if !has {
				return nil
			}
			failed.Data = data
		}
		return &failed
	}
	return nil
}
