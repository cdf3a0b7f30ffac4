package parser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
)

// Args are the arguments of an event or an ack, still encoded. The zero value
// has none. They point into the message that brought them.
type Args struct {
	rest        []byte // the array from its opening bracket, or from a comma of it
	attachments [][]byte
}

// Event is the name and the arguments of an EVENT or BINARY_EVENT that a
// [Decoder] gave. A name that is a number is given as its digits. The name
// points into the message; a map[string]T is best asked with m[string(name)].
func (p *Packet) Event() (name []byte, args Args) {
	raw, rest := firstElement(p.Data)
	name = raw
	if len(raw) > 0 && raw[0] == '"' {
		name = unquote(raw)
	}
	return name, Args{rest, p.Attachments}
}

// Args are the arguments of an ACK or BINARY_ACK that a [Decoder] gave.
func (p *Packet) Args() Args { return Args{p.Data, p.Attachments} }

// Len counts the arguments.
func (a Args) Len() int {
	n := 0
	for range a.All() {
		n++
	}
	return n
}

// All goes through the arguments in order.
func (a Args) All() iter.Seq[Arg] {
	return func(yield func(Arg) bool) {
		for {
			elem, rest := firstElement(a.rest)
			if elem == nil || !yield(Arg{elem, a.attachments}) {
				return
			}
			a.rest = rest
		}
	}
}

// Decode stores the first argument where the first pointer points to, and so
// on, as [Arg.Decode] does. As in JavaScript, arguments too many are ignored,
// and values without an argument are left alone.
func (a Args) Decode(into ...any) error {
	i := 0
	for arg := range a.All() {
		if i == len(into) {
			return nil
		}
		if err := arg.Decode(into[i]); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		i++
	}
	return nil
}

// Arg is one argument, still encoded.
type Arg struct {
	raw         []byte
	attachments [][]byte
}

// JSON is the argument as it was on the wire; attachments are placeholders.
func (a Arg) JSON() json.RawMessage { return a.raw }

// Text is [Arg.Decode] into a string.
func (a Arg) Text() (string, error) {
	if text, ok := plainString(a.raw); ok {
		return text, nil
	}
	var text string
	err := a.Decode(&text)
	return text, err
}

// Decode stores the argument in the value that v points to, by the rules of
// encoding/json. An attachment becomes a []byte: where v asks for one, also
// inside structs, slices and maps, and where v is *any, *[]any or
// *map[string]any. Only where a struct has a field of an interface type an
// attachment below it arrives as base64 text: give such a field the type
// []byte. A []byte that Decode stores may share the message's memory.
func (a Arg) Decode(v any) error {
	if decodeSimple(a.raw, v) {
		return nil
	}
	if len(a.attachments) == 0 || !bytes.Contains(a.raw, []byte(`placeholder"`)) {
		return json.Unmarshal(a.raw, v)
	}
	switch v := v.(type) {
	case *json.RawMessage:
		return json.Unmarshal(a.raw, v)
	case *[]byte:
		if n, ok := asPlaceholder(a.raw, len(a.attachments)); ok {
			*v = a.attachments[n]
			return nil
		}
	case *any:
		if err := json.Unmarshal(a.raw, v); err != nil {
			return err
		}
		*v = restore(*v, a.attachments)
		return nil
	case *[]any:
		if err := json.Unmarshal(a.raw, v); err != nil {
			return err
		}
		restore(*v, a.attachments)
		return nil
	case *map[string]any:
		if n, ok := asPlaceholder(a.raw, len(a.attachments)); ok {
			return fmt.Errorf("attachment %d does not fit a map", n)
		}
		if err := json.Unmarshal(a.raw, v); err != nil {
			return err
		}
		restore(*v, a.attachments)
		return nil
	}
	text, err := inline(a.raw, a.attachments)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
