package dispatch

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"strata/socketio/parser"
)

// Handler is a function that handles an event. Its parameters are decoded from
// the event's arguments. It may want a context, as the first parameter, and it
// may answer the ack: by a last parameter that is a function, or by what it
// returns.
type Handler struct {
	fn      reflect.Value
	params  []reflect.Type // without context and ack; of a variadic the last is the element's type
	many    bool           // the last of params takes all that is left
	ctx     bool           // the first parameter is a context
	ack     reflect.Type   // nil: none
	results int            // that are the answer, without the error
	err     bool           // the last result is an error
	frames  *sync.Pool     // of *frame
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

// NewHandler checks a function's signature once, so that no event finds out
// later that it cannot be called.
func NewHandler(fn any) (Handler, error) {
	v := reflect.ValueOf(fn)
	if !v.IsValid() || v.Kind() != reflect.Func {
		return Handler{}, fmt.Errorf("the handler is a %T, not a function", fn)
	}
	t := v.Type()
	if v.IsNil() {
		return Handler{}, errors.New("the handler is nil")
	}
	h := Handler{fn: v, many: t.IsVariadic(), results: t.NumOut()}
	if h.results > 0 && t.Out(h.results-1) == reflect.TypeFor[error]() {
		h.err = true
		h.results--
	}
	for i := range h.results {
		switch k := t.Out(i).Kind(); k {
		case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
			return Handler{}, fmt.Errorf("result %d of the handler %v cannot be written as JSON: it is a %v", i+1, t, k)
		}
	}
	for i := range t.NumIn() {
		p := t.In(i)
		last := i == t.NumIn()-1
		if i == 0 && p == reflect.TypeFor[context.Context]() {
			h.ctx = true
			continue
		}
		if last && p.Kind() == reflect.Func {
			if p.NumOut() != 0 {
				return Handler{}, fmt.Errorf("the ack of the handler %v, its last parameter, returns something", t)
			}
			if t.NumOut() != 0 {
				return Handler{}, fmt.Errorf("the handler %v has an ack and returns something: answer one way", t)
			}
			h.ack = p
			break
		}
		if last && h.many {
			p = p.Elem()
		}
		if why := undecodable(p, map[reflect.Type]bool{}); why != "" {
			return Handler{}, fmt.Errorf("parameter %d of the handler %v cannot be decoded from JSON: %s", i+1, t, why)
		}
		h.params = append(h.params, p)
	}
	h.frames = newFrames(h.params)
	return h, nil
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// undecodable says what in a type encoding/json cannot decode, or "".
func undecodable(t reflect.Type, seen map[reflect.Type]bool) string {
	if p := reflect.PointerTo(t); p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) || seen[t] {
		return ""
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return "it holds a " + t.Kind().String()
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Sprintf("%v is an interface with methods", t)
		}
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return undecodable(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				if why := undecodable(f.Type, seen); why != "" {
					return "field " + f.Name + ": " + why
				}
			}
		}
	}
	return ""
}

// Call decodes the arguments and calls the function. As in JavaScript, arguments
// too many are ignored and those missing are zero. ctx is asked where the
// function wants a context. to is nil where the sender asked for no ack:
// then the function gets one that does nothing, and an error that it returns is
// returned, as a [HandlerError]. Any other error is of an argument that does not
// fit its parameter; the function was not called then.
func (h Handler) Call(ctx func() context.Context, args parser.Args, to Answerer) error {
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
			return fmt.Errorf("argument %d as %v: %w", i+1, v.Type().Elem(), err)
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

// HandlerError is an error that a handler returned and nobody waits for.
type HandlerError struct{ Err error }

// Error is the handler's.
func (e *HandlerError) Error() string { return e.Err.Error() }

// Unwrap is the handler's error.
func (e *HandlerError) Unwrap() error { return e.Err }
