package link

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

var (
	_ json.Marshaler   = Shape{}
	_ json.Unmarshaler = (*Shape)(nil)

	// What YAML libraries of several makes look for.
	_ interface{ UnmarshalYAML(func(any) error) error } = (*Shape)(nil)
)

// MarshalJSON writes an object with the words of [ParseShape] for keys and
// what follows them for values, all strings:
//
//	{"delay":"80ms 10ms distribution normal","loss":"gemodel 1% 10%","rate":"2mbit","limit":"50"}
//
// A perfect wire is {}. Errors are those of [Shape.MarshalText].
func (s Shape) MarshalJSON() ([]byte, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for i, p := range s.phrases() {
		if i > 0 {
			out = append(out, ',')
		}
		rest, err := json.Marshal(p.rest)
		if err != nil {
			return nil, err
		}
		out = append(strconv.AppendQuote(out, p.word), ':')
		out = append(out, rest...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads the object that MarshalJSON writes, its keys in any
// order, or a string for [ParseShape]. A value that is one number may be a
// JSON number: {"limit":50}. Every word that begins a part in ParseShape may
// be a key: {"preset":"lte up","delay":"20ms"}. The shape is replaced as a
// whole; null leaves it.
func (s *Shape) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	token, err := decoder.Token()
	if err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	switch v := token.(type) {
	case nil:
		return nil
	case string:
		return s.UnmarshalText([]byte(v))
	case json.Delim:
		if v != '{' {
			break
		}
		var values []phrase
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return fmt.Errorf("shape: %w", err)
			}
			word := key.(string) // what else the syntax does not allow
			value, err := decoder.Token()
			if err != nil {
				return fmt.Errorf("shape: %w", err)
			}
			switch v := value.(type) {
			case string:
				values = append(values, phrase{word, v})
			case json.Number:
				values = append(values, phrase{word, v.String()})
			default:
				return &ParseError{Part: word, Reason: "expected a string"}
			}
		}
		return s.readObject(values)
	}
	return errors.New("shape: expected a string or an object")
}

// UnmarshalYAML reads what UnmarshalJSON does: a string, or a mapping of the
// words. It is the method that YAML libraries look for (gopkg.in/yaml.v2 and
// v3, go.yaml.in/yaml, goccy/go-yaml); unmarshal is theirs.
func (s *Shape) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		return s.UnmarshalText([]byte(text))
	}
	var object map[string]any
	if err := unmarshal(&object); err != nil {
		return fmt.Errorf("shape: expected a string or a mapping: %w", err)
	}
	var values []phrase
	for word, v := range object {
		switch v := v.(type) {
		case string:
			values = append(values, phrase{word, v})
		case int, int64, uint64:
			values = append(values, phrase{word, fmt.Sprint(v)})
		case float64:
			values = append(values, phrase{word, strconv.FormatFloat(v, 'g', -1, 64)})
		default:
			return &ParseError{Part: word, Reason: "expected a string"}
		}
	}
	return s.readObject(values)
}

// readObject parses each value as what follows its word, in the order of
// partWords: a preset must come before what changes it, and the same error
// must come of the same object.
func (s *Shape) readObject(values []phrase) error {
	slices.SortStableFunc(values, func(a, b phrase) int {
		return slices.Index(partWords, a.word) - slices.Index(partWords, b.word)
	})
	var p parser
	for _, v := range values {
		p.key = v.word
		if v.word == "" {
			return errors.New("shape: an empty key")
		}
		if !slices.Contains(partWords, v.word) {
			return &ParseError{Part: v.word, Reason: unknown(word{text: v.word})}
		}
		p.next, p.end = 0, len(v.rest)
		p.words, p.err = splitWords(v.rest)
		if p.err != nil {
			p.err.Part = v.word
			return p.err
		}
		p.read(word{}, v.word)
		for p.err == nil && p.next < len(p.words) {
			w := p.words[p.next]
			if !follows(w.text, v.word) {
				if slices.Contains(partWords, w.text) {
					p.fail(w, w.text+" is a key of its own")
				} else {
					p.fail(w, unknown(w))
				}
				break
			}
			p.part(w)
		}
		if p.err != nil {
			return p.err
		}
	}
	parsed, err := p.finish()
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// follows says whether the part w may stand in the value of key.
func follows(w, key string) bool {
	switch w {
	case "distribution":
		return key == "delay" || key == "latency"
	case "gap":
		return key == "reorder"
	}
	return false
}
