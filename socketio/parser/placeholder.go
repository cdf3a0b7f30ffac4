package parser

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// placeholder is where in a JSON text an object {"_placeholder":true,"num":n}
// stands: the place of attachment n.
type placeholder struct {
	start, end int
	num        []byte // the value of "num"; nil where it has none
}

// placeholders finds the placeholders in valid JSON, outermost only, in order.
func placeholders(data []byte) []placeholder {
	var s placeholderScan
	s.data = data
	s.value(skipSpace(data, 0))
	return s.found
}

type placeholderScan struct {
	data  []byte
	found []placeholder
}

// value looks into the value at i and is the index after it. It recurses no
// deeper than json.Valid allows a text to be nested (10,000).
func (s *placeholderScan) value(i int) int {
	b := s.data
	if i >= len(b) || (b[i] != '{' && b[i] != '[') {
		return skipValue(b, i)
	}
	object := b[i] == '{'
	start, inner := i, len(s.found)
	var is bool
	var num []byte
	for i++; i < len(b); {
		if i = skipSpace(b, i); i >= len(b) {
			break
		}
		if b[i] == '}' || b[i] == ']' {
			i++
			break
		}
		if b[i] == ',' {
			i++
			continue
		}
		var key []byte
		if object {
			end := skipString(b, i)
			key = unquote(b[i:end])
			i = skipSpace(b, end) + 1 // the colon
			i = skipSpace(b, i)
		}
		from := i
		i = s.value(i)
		if object {
			switch string(key) {
			case "_placeholder":
				is = string(b[from:i]) == "true"
			case "num":
				num = b[from:i]
			}
		}
	}
	if is {
		s.found = append(s.found[:inner], placeholder{start, i, num})
	}
	return i
}

// index is the attachment that a placeholder names, of n that there are.
func (p placeholder) index(n int) (int, error) {
	i, size := number(p.num)
	if size == 0 || size != len(p.num) || i >= uint64(n) {
		return 0, fmt.Errorf("%w: placeholder for attachment %s of %d", ErrPacket, excerpt(p.num), n)
	}
	return int(i), nil
}

// checkPlaceholders sees to it that every placeholder names one of n
// attachments (CVE-2022-2421: a number that is none reached into the program).
func checkPlaceholders(data []byte, n int) error {
	for _, p := range placeholders(data) {
		if _, err := p.index(n); err != nil {
			return err
		}
	}
	return nil
}

// asPlaceholder reports whether raw as a whole is a placeholder for one of n
// attachments, and for which.
func asPlaceholder(raw []byte, n int) (int, bool) {
	found := placeholders(raw)
	if len(found) != 1 || found[0].start != 0 || found[0].end != len(raw) {
		return 0, false
	}
	i, err := found[0].index(n)
	return i, err == nil
}

// inline puts the attachments into the JSON as base64, as encoding/json wants
// to find a []byte.
func inline(raw []byte, attachments [][]byte) ([]byte, error) {
	var out bytes.Buffer
	at := 0
	for _, p := range placeholders(raw) {
		n, err := p.index(len(attachments))
		if err != nil {
			return nil, err
		}
		out.Write(raw[at:p.start])
		out.WriteByte('"')
		out.WriteString(base64.StdEncoding.EncodeToString(attachments[n]))
		out.WriteByte('"')
		at = p.end
	}
	out.Write(raw[at:])
	return out.Bytes(), nil
}

// restore puts the attachments into a value of the types that encoding/json
// stores in an interface, in place where it can, and returns it.
func restore(v any, attachments [][]byte) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = restore(v[i], attachments)
		}
	case map[string]any:
		if is, _ := v["_placeholder"].(bool); is {
			if n, ok := v["num"].(float64); ok && n >= 0 && int(n) < len(attachments) {
				return attachments[int(n)]
			}
		}
		for k := range v {
			v[k] = restore(v[k], attachments)
		}
	}
	return v
}
