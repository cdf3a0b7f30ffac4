package parser

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// structField is a field of a struct as JSON has it.
type structField struct {
	name                string
	index               []int // as for reflect.Value.FieldByIndex
	typ                 reflect.Type
	tagged              bool
	omitEmpty, omitZero bool
	quoted              bool // ",string": a scalar, written as a string
}

// of is the field in v; false where a nil pointer to an embedded struct is in
// the way.
func (f structField) of(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

var structFieldCache sync.Map // reflect.Type to []structField

// structFields are the fields of a struct type that JSON writes, in order:
// exported ones and those of embedded structs, of one name the shallowest, at
// the same depth the tagged one, and none where that does not decide.
func structFields(t reflect.Type) []structField {
	if fields, ok := structFieldCache.Load(t); ok {
		return fields.([]structField)
	}
	all := collectFields(t, nil, map[reflect.Type]bool{})
	var fields []structField
	for i, f := range all {
		hidden := false
		for j, g := range all {
			hidden = hidden || i != j && g.name == f.name && !f.beats(g)
		}
		if !hidden {
			fields = append(fields, f)
		}
	}
	structFieldCache.Store(t, fields)
	return fields
}

// beats reports whether f hides g, which has the same name.
func (f structField) beats(g structField) bool {
	if len(f.index) != len(g.index) {
		return len(f.index) < len(g.index)
	}
	return f.tagged && !g.tagged
}

func collectFields(t reflect.Type, index []int, within map[reflect.Type]bool) []structField {
	if within[t] {
		return nil // a struct that embeds a pointer to itself
	}
	within[t] = true
	defer delete(within, t)
	var fields []structField
	for i := range t.NumField() {
		f := t.Field(i)
		tag, hasTag := f.Tag.Lookup("json")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clone(index), i)
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				fields = append(fields, collectFields(inner, at, within)...)
				continue
			}
		}
		if !f.IsExported() {
			continue
		}
		field := structField{name: name, index: at, typ: f.Type, tagged: hasTag && name != ""}
		if name == "" {
			field.name = f.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			field.omitEmpty = field.omitEmpty || option == "omitempty"
			field.omitZero = field.omitZero || option == "omitzero"
			field.quoted = field.quoted || option == "string" && isScalar(f.Type)
		}
		fields = append(fields, field)
	}
	return fields
}

// isScalar reports whether the option ",string" applies to a type.
func isScalar(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64:
		return !marshals(t)
	default:
		return k >= reflect.Int && k <= reflect.Uintptr && !marshals(t)
	}
}
