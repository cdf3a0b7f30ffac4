package parser

import (
	"bytes"
	"encoding/json"
)

// These functions walk JSON that was found valid already, without building
// anything. They do not find errors; they only must not loop.

// skipSpace is the index of the first byte from i on that is no white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString is the index after the string whose opening quote is b[i].
func skipString(b []byte, i int) int {
	i++
	for i < len(b) {
		q := bytes.IndexByte(b[i:], '"')
		if q < 0 {
			return len(b)
		}
		end := i + q
		// An odd number of backslashes before it escapes the quote.
		slashes := 0
		for end-1-slashes >= i && b[end-1-slashes] == '\\' {
			slashes++
		}
		i = end + 1
		if slashes%2 == 0 {
			return i
		}
	}
	return len(b)
}

// skipValue is the index after the value that begins at b[i].
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '[', '{':
			depth++
			i++
			continue
		case ']', '}':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue // only inside, where depth > 0
		default: // a number, true, false or null
			for i++; i < len(b) && !endsScalar(b[i]); i++ {
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return len(b)
}

func endsScalar(c byte) bool {
	switch c {
	case ',', ':', ']', '}', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

// firstElement is the first element of an array, and what follows it: the text
// after its comma, or nothing. Given that rest as array it goes on: both the
// opening bracket and the comma are skipped.
func firstElement(array []byte) (elem, rest []byte) {
	i := skipSpace(array, 0)
	if i == len(array) || (array[i] != '[' && array[i] != ',') {
		return nil, nil
	}
	i = skipSpace(array, i+1)
	if i == len(array) || array[i] == ']' {
		return nil, nil
	}
	end := skipValue(array, i)
	return array[i:end], array[skipSpace(array, end):]
}

// unquote is the text of a JSON string; a part of raw where it has no escapes.
func unquote(raw []byte) []byte {
	if len(raw) < 2 {
		return nil
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return []byte(s)
}
