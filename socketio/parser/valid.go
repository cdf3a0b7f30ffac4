package parser

import (
	"encoding/binary"
	"encoding/json"
)

// valid is json.Valid, which looks at every byte through a call of a function: what
// is frequent is found valid without it.
func valid(data []byte) bool { return surelyValid(data) || json.Valid(data) }

// mostNested is how deep surelyValid looks: a bit for each level.
const mostNested = 64

// surelyValid reports true for much of what is valid JSON, and for nothing else. It
// leaves to json.Valid what is nested deeply, and escapes other than those of one
// character.
func surelyValid(b []byte) bool {
	var objects uint64 // the lowest bit: whether the innermost is an object
	depth := 0
	i := skipSpace(b, 0)
	for {
		// Here a value begins.
		if i == len(b) {
			return false
		}
		switch c := b[i]; c {
		case '{', '[':
			if depth == mostNested {
				return false
			}
			depth++
			objects <<= 1
			i = skipSpace(b, i+1)
			if i == len(b) {
				return false
			}
			if c == '{' {
				objects |= 1
				if b[i] != '}' {
					if i = endOfKey(b, i); i < 0 {
						return false
					}
					continue
				}
			} else if b[i] != ']' {
				continue
			}
		case '"':
			i = endOfString(b, i)
		case 't':
			i = endOfLiteral(b, i, "true")
		case 'f':
			i = endOfLiteral(b, i, "false")
		case 'n':
			i = endOfLiteral(b, i, "null")
		default:
			i = endOfNumber(b, i)
		}
		if i < 0 {
			return false
		}
		// Here a value has ended, or what holds it is about to.
		for {
			i = skipSpace(b, i)
			if depth == 0 || i == len(b) {
				return depth == 0 && i == len(b)
			}
			c := b[i]
			i++
			if c == ',' {
				break
			}
			if c != ']'+byte(objects&1)*('}'-']') {
				return false
			}
			objects >>= 1
			depth--
		}
		i = skipSpace(b, i)
		if objects&1 != 0 {
			if i = endOfKey(b, i); i < 0 {
				return false
			}
		}
	}
}

// The index after what begins at b[i], or -1 where it is not certainly valid.

// endOfKey is for a member's name and the colon: the index of the value.
func endOfKey(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return -1
	}
	if i = endOfString(b, i); i < 0 {
		return -1
	}
	if i = skipSpace(b, i); i == len(b) || b[i] != ':' {
		return -1
	}
	return skipSpace(b, i+1)
}

func endOfString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		for i+8 <= len(b) && plainText(binary.LittleEndian.Uint64(b[i:])) {
			i += 8
		}
		if i == len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i++; i == len(b) {
				return -1
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			default:
				return -1
			}
		}
	}
	return -1
}

// ones is a one in each of eight bytes.
const ones = 0x0101010101010101

// plainText reports whether none of eight bytes is a quote, a backslash or a control
// character.
func plainText(eight uint64) bool {
	quote, slash := eight^'"'*ones, eight^'\\'*ones
	// What is subtracted from a byte that is less sets its highest bit, which it did
	// not have itself. That may go wrong for a byte above such a one, which is enough.
	return ((eight-' '*ones)&^eight|(quote-ones)&^quote|(slash-ones)&^slash)&(0x80*ones) == 0
}

func endOfLiteral(b []byte, i int, literal string) int {
	if len(b)-i < len(literal) || string(b[i:i+len(literal)]) != literal {
		return -1
	}
	return i + len(literal)
}

func endOfNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i == len(b):
		return -1
	case b[i] == '0':
		i++
	default:
		if i = endOfDigits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = endOfDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return endOfDigits(b, i)
	}
	return i
}

// endOfDigits is for one digit at least.
func endOfDigits(b []byte, i int) int {
	from := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}
