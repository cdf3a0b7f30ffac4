package dispatch

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"strata/socketio/parser"
)

// Handler is a function that handles an event. Its parameters are decoded from
// the event's arguments; a last parameter that is a function answers the ack.
type Handler struct {
	fn     reflect.Value
	params []reflect.Type // without the ack; of a variadic the last is the element's type
	many   bool           // the last of params takes all that is left
	ack    reflect.Type   // nil: none
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
	if t.NumOut() != 0 {
		return Handler{}, fmt.Errorf("the handler %v returns something: answer with a last parameter like ack func(string)", t)
	}
	h := Handler{fn: v, many: t.IsVariadic()}
	for i := range t.NumIn() {
		p := t.In(i)
		last := i == t.NumIn()-1
		if last && p.Kind() == reflect.Func {
			if p.NumOut() != 0 {
				return Handler{}, fmt.Errorf("the ack of the handler %v, its last parameter, returns something", t)
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
// too many are ignored and those missing are zero. answer is nil where the
// sender asked for no ack: then the function gets one that does nothing. The
// error is of an argument that does not fit its parameter; the function was not
// called then.
func (h Handler) Call(args parser.Args, answer func(args ...any)) error {
	in := make([]reflect.Value, 0, len(h.params)+1)
	fixed := len(h.params)
	if h.many {
		fixed--
	}
	i := 0
	for arg := range args.All() {
		var t reflect.Type
		switch {
		case i < fixed:
			t = h.params[i]
		case h.many:
			t = h.params[fixed]
		}
		if t == nil {
			break
		}
		v := reflect.New(t)
		if err := arg.Decode(v.Interface()); err != nil {
			return fmt.Errorf("argument %d as %v: %w", i+1, t, err)
		}
		in = append(in, v.Elem())
		i++
	}
	for ; i < fixed; i++ {
		in = append(in, reflect.Zero(h.params[i]))
	}
	if h.ack != nil {
		in = append(in, ackFunc(h.ack, answer))
	}
	h.fn.Call(in)
	return nil
}

// ackFunc is answer as a function of type t.
func ackFunc(t reflect.Type, answer func(...any)) reflect.Value {
	return reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		if answer == nil {
			return nil
		}
		args := make([]any, 0, len(in))
		for i, v := range in {
			if t.IsVariadic() && i == len(in)-1 {
				for j := range v.Len() {
					args = append(args, v.Index(j).Interface())
				}
				break
			}
			args = append(args, v.Interface())
		}
		answer(args...)
		return nil
	})
}
