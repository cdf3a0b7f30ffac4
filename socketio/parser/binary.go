package parser

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
)

// encoding/json writes []byte as base64 text. These functions write values
// that hold []byte somewhere inside with placeholders instead, and otherwise
// as encoding/json does; what they find no []byte in goes through it.

// maxDepth bounds the nesting of a value, so that one that contains itself is
// an error and not the end.
const maxDepth = 1000

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// holdsBinary reports whether v is or contains a []byte that would be an
// attachment.
func holdsBinary(v any) bool {
	rv := reflect.ValueOf(v)
	return mayHoldBinary(rv.Type()) && findBinary(rv, 0)
}

// mayHold remembers for a reflect.Type whether values of it can hold []byte.
var mayHold sync.Map

func mayHoldBinary(t reflect.Type) bool {
	if may, ok := mayHold.Load(t); ok {
		return may.(bool)
	}
	may := typeMayHold(t, map[reflect.Type]bool{})
	mayHold.Store(t, may)
	return may
}

func typeMayHold(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || marshals(t) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Slice:
		return isBytes(t) || typeMayHold(t.Elem(), seen)
	case reflect.Pointer, reflect.Array, reflect.Map:
		return typeMayHold(t.Elem(), seen)
	case reflect.Struct:
		for _, f := range structFields(t) {
			if typeMayHold(f.typ, seen) {
				return true
			}
		}
	}
	return false
}

// marshals reports whether a type says itself how it is written: then what it
// holds is its own affair.
func marshals(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && (t.Implements(jsonMarshaler) || t.Implements(textMarshaler))
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !marshals(t) && !marshals(t.Elem())
}

func findBinary(v reflect.Value, depth int) bool {
	if !v.IsValid() || depth > maxDepth || !mayHoldBinary(v.Type()) {
		return false
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return !v.IsNil() && findBinary(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if isBytes(v.Type()) {
			return !v.IsNil()
		}
		for i := range v.Len() {
			if findBinary(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if findBinary(it.Value(), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for _, f := range structFields(v.Type()) {
			if fv, ok := f.of(v); ok && findBinary(fv, depth+1) {
				return true
			}
		}
	}
	return false
}

func appendReflect(dst []byte, v any, attachments *[][]byte) ([]byte, error) {
	w := reflectWriter{dst: dst, attachments: attachments}
	err := w.value(reflect.ValueOf(v), 0)
	return w.dst, err
}

type reflectWriter struct {
	dst         []byte
	attachments *[][]byte
}

func (w *reflectWriter) value(v reflect.Value, depth int) (err error) {
	if depth > maxDepth {
		return errors.New("value nested too deep (does it contain itself?)")
	}
	if !v.IsValid() {
		w.dst = append(w.dst, "null"...)
		return nil
	}
	if !mayHoldBinary(v.Type()) {
		w.dst, err = appendJSON(w.dst, v.Interface())
		return err
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return w.value(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if isBytes(v.Type()) {
			w.dst = appendBytes(w.dst, v.Bytes(), w.attachments)
			return nil
		}
		if v.Kind() == reflect.Slice && v.IsNil() {
			w.dst = append(w.dst, "null"...)
			return nil
		}
		w.dst = append(w.dst, '[')
		for i := range v.Len() {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			if err := w.value(v.Index(i), depth+1); err != nil {
				return err
			}
		}
		w.dst = append(w.dst, ']')
		return nil
	case reflect.Map:
		return w.mapping(v, depth)
	default: // a struct: no other kind may hold []byte
		return w.structure(v, depth)
	}
}

func (w *reflectWriter) mapping(v reflect.Value, depth int) error {
	if v.IsNil() {
		w.dst = append(w.dst, "null"...)
		return nil
	}
	type member struct {
		key   []byte
		value reflect.Value
	}
	var members []member
	for it := v.MapRange(); it.Next(); {
		// encoding/json knows how keys are written: a map of one key to null
		// is {KEY:null}.
		one := reflect.MakeMap(reflect.MapOf(v.Type().Key(), reflect.TypeFor[*int]()))
		one.SetMapIndex(it.Key(), reflect.Zero(reflect.TypeFor[*int]()))
		text, err := appendJSON(nil, one.Interface())
		if err != nil {
			return err
		}
		members = append(members, member{text[1 : len(text)-len(":null}")], it.Value()})
	}
	slices.SortFunc(members, func(a, b member) int { return slices.Compare(a.key, b.key) })
	w.dst = append(w.dst, '{')
	for i, m := range members {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(append(w.dst, m.key...), ':')
		if err := w.value(m.value, depth+1); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

func (w *reflectWriter) structure(v reflect.Value, depth int) error {
	w.dst = append(w.dst, '{')
	first := true
	for _, f := range structFields(v.Type()) {
		fv, ok := f.of(v)
		if !ok || f.omitEmpty && isEmpty(fv) || f.omitZero && fv.IsZero() {
			continue
		}
		if !first {
			w.dst = append(w.dst, ',')
		}
		first = false
		w.dst = append(appendString(w.dst, f.name), ':')
		if f.quoted {
			text, err := appendJSON(nil, fv.Interface())
			if err != nil {
				return err
			}
			w.dst = appendString(w.dst, string(text))
			continue
		}
		if err := w.value(fv, depth+1); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return nil
}

// isEmpty is what encoding/json calls empty for "omitempty".
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
