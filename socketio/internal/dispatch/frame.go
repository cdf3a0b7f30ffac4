package dispatch

import (
	"reflect"
	"sync"
)

// frame is the memory of a call of a handler, for the next call.
type frame struct {
	in     []reflect.Value
	values []reflect.Value // pointers to what parameters are decoded to; the zero Value where it cannot be used again
}

func newFrames(params []reflect.Type) *sync.Pool {
	return &sync.Pool{New: func() any {
		f := &frame{in: make([]reflect.Value, 0, len(params)+2), values: make([]reflect.Value, len(params))}
		for i, t := range params {
			if plain(t) {
				f.values[i] = reflect.New(t)
			}
		}
		return f
	}}
}

// plain reports whether a type is one of the language's that hold nothing else: no
// method of it can have kept a pointer to the value.
func plain(t reflect.Type) bool {
	return t.PkgPath() == "" && (t.Kind() == reflect.String || t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64)
}

// value is a pointer to a zero value for parameter i, of type t.
func (f *frame) value(i int, t reflect.Type) reflect.Value {
	if v := f.values[i]; v.IsValid() {
		return v
	}
	return reflect.New(t)
}

// keepArgs is for how many arguments memory is kept.
const keepArgs = 32

// free gives the frame back. The call has copied what it was given.
func (f *frame) free(to *sync.Pool) {
	clear(f.in[:cap(f.in)])
	if f.in = f.in[:0]; cap(f.in) > keepArgs {
		f.in = nil // of a variadic one
	}
	for _, v := range f.values {
		if v.IsValid() {
			v.Elem().SetZero()
		}
	}
	to.Put(f)
}
