package dispatch

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// signature is what there is to know of the type of a handler.
type signature struct {
	params  []reflect.Type // without context and ack; of a variadic the last is the element's type
	many    bool           // the last of params takes all that is left
	ctx     bool           // the first parameter is a context
	ack     reflect.Type   // nil: none
	results int            // that are the answer, without the error
	err     bool           // the last result is an error
	frames  *sync.Pool     // of *frame
}

// signatures are those of the types that were seen, as many as the program has:
// every socket has handlers, and most of the same types.
var signatures sync.Map // reflect.Type to *signature

// signatureOf is the signature of a type of functions. The error says why they
// cannot be handlers.
func signatureOf(t reflect.Type) (*signature, error) {
	if known, ok := signatures.Load(t); ok {
		return known.(*signature), nil
	}
	sig, err := newSignature(t)
	if err != nil {
		return nil, err
	}
	known, _ := signatures.LoadOrStore(t, sig)
	return known.(*signature), nil
}

func newSignature(t reflect.Type) (*signature, error) {
	sig := &signature{many: t.IsVariadic(), results: t.NumOut()}
	if sig.results > 0 && t.Out(sig.results-1) == reflect.TypeFor[error]() {
		sig.err = true
		sig.results--
	}
	for i := range sig.results {
		switch k := t.Out(i).Kind(); k {
		case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
			return nil, fmt.Errorf("result %d of the handler %v cannot be written as JSON: it is a %v", i+1, t, k)
		}
	}
	for i := range t.NumIn() {
		p := t.In(i)
		last := i == t.NumIn()-1
		if i == 0 && p == reflect.TypeFor[context.Context]() {
			sig.ctx = true
			continue
		}
		if last && p.Kind() == reflect.Func {
			if p.NumOut() != 0 {
				return nil, fmt.Errorf("the ack of the handler %v, its last parameter, returns something", t)
			}
			if t.NumOut() != 0 {
				return nil, fmt.Errorf("the handler %v has an ack and returns something: answer one way", t)
			}
			sig.ack = p
			break
		}
		if last && sig.many {
			p = p.Elem()
		}
		if why := undecodable(p, map[reflect.Type]bool{}); why != "" {
			return nil, fmt.Errorf("parameter %d of the handler %v cannot be decoded from JSON: %s", i+1, t, why)
		}
		sig.params = append(sig.params, p)
	}
	sig.frames = newFrames(sig.params)
	return sig, nil
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
