package dispatch

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"strata/socketio/parser"
)

// Handler is a function that handles an event. Its parameters are decoded from
// the event's arguments. It may want a context, as the first parameter, and it
// may answer the ack: by a last parameter that is a function, or by what it
// returns.
type Handler struct {
	*signature
	fn     reflect.Value
	direct direct // calls fn without reflection; nil: it is not of such a type
}

// Failure is the answer of a handler that returned an error, as JSON: the
// object {"error":"…"}. An error that has a method AckData has what that returns
// beside it, as "data".
type Failure struct {
	Message string `json:"error"`
	Data    any    `json:"data,omitempty"`
}

func failure(err error) Failure {
	f := Failure{Message: err.Error()}
	var with interface{ AckData() any }
	if errors.As(err, &with) {
		f.Data = with.AckData()
	}
	return f
}

// NewHandler checks a function's signature, so that no event finds out later that
// it cannot be called.
func NewHandler(fn any) (Handler, error) {
	v := reflect.ValueOf(fn)
	if !v.IsValid() || v.Kind() != reflect.Func {
		return Handler{}, fmt.Errorf("the handler is a %T, not a function", fn)
	}
	if v.IsNil() {
		return Handler{}, errors.New("the handler is nil")
	}
	sig, err := signatureOf(v.Type())
	return Handler{sig, v, directly(fn)}, err
}

// Call decodes the arguments and calls the function. As in JavaScript, arguments
// too many are ignored and those missing are zero. ctx is asked where the
// function wants a context. to is nil where the sender asked for no ack:
// then the function gets one that does nothing, and an error that it returns is
// returned, as a [HandlerError]. Any other error is of an argument that does not
// fit its parameter; the function was not called then.
func (h Handler) Call(ctx func() context.Context, args parser.Args, to Answerer) error {
	if h.direct != nil {
		return h.direct(args, to)
	}
	f := h.frames.Get().(*frame)
	defer f.free(h.frames)
	in := f.in[:0]
	if h.ctx {
		in = append(in, reflect.ValueOf(ctx()))
	}
	fixed := len(h.params)
	if h.many {
		fixed--
	}
	i := 0
	for arg := range args.All() {
		var v reflect.Value
		switch {
		case i < fixed:
			v = f.value(i, h.params[i])
		case h.many:
			v = reflect.New(h.params[fixed])
		}
		if !v.IsValid() {
			break
		}
		if err := arg.Decode(v.Interface()); err != nil {
			return misfit(i, v.Type().Elem(), err)
		}
		in = append(in, v.Elem())
		i++
	}
	for ; i < fixed; i++ {
		in = append(in, reflect.Zero(h.params[i]))
	}
	if h.ack != nil {
		in = append(in, ackFunc(h.ack, to))
	}
	f.in = in
	out := h.fn.Call(in)
	if len(out) == 0 {
		return nil
	}
	if h.err {
		if err, _ := out[h.results].Interface().(error); err != nil {
			if to == nil {
				return &HandlerError{err}
			}
			to.Answer(failure(err))
			return nil
		}
	}
	if to != nil {
		values := make([]any, h.results)
		for i := range values {
			values[i] = out[i].Interface()
		}
		to.Answer(values...)
	}
	return nil
}

// misfit is the error of argument i, which is no t.
func misfit(i int, t reflect.Type, err error) error {
	return fmt.Errorf("argument %d as %v: %w", i+1, t, err)
}

// HandlerError is an error that a handler returned and nobody waits for.
type HandlerError struct{ Err error }

// Error is the handler's.
func (e *HandlerError) Error() string { return e.Err.Error() }

// Unwrap is the handler's error.
func (e *HandlerError) Unwrap() error { return e.Err }
