package ws

import "unicode/utf8"

// utf8Check validates UTF-8 (RFC 3629) that arrives in pieces, and fails at the
// first byte after which nothing valid can follow. The zero value is at the
// start of a text.
type utf8Check struct {
	need   uint8 // continuation bytes that the sequence still wants
	lo, hi byte  // between which the next of them must be
}

// complete reports whether the text may end here.
func (u *utf8Check) complete() bool { return u.need == 0 }

// write reports whether the text may go on with p.
func (u *utf8Check) write(p []byte) bool {
	for u.need > 0 && len(p) > 0 {
		if !u.step(p[0]) {
			return false
		}
		p = p[1:]
	}
	// All but a sequence that is cut at the end is the standard library's,
	// which is fast; the cut one goes byte by byte.
	cut := len(p)
	for back := 1; back <= 3 && back <= len(p); back++ {
		if b := p[len(p)-back]; b >= 0xC0 {
			if sequenceLen(b) > back {
				cut = len(p) - back
			}
			break
		} else if b < 0x80 {
			break
		}
	}
	if !utf8.Valid(p[:cut]) {
		return false
	}
	for _, b := range p[cut:] {
		if !u.step(b) {
			return false
		}
	}
	return true
}

// sequenceLen is the length that a lead byte of 0xC0 or more announces.
func sequenceLen(b byte) int {
	switch {
	case b < 0xE0:
		return 2
	case b < 0xF0:
		return 3
	}
	return 4
}

// step takes one byte. The bounds of the second byte keep out overlong forms,
// surrogates and what is beyond U+10FFFF (RFC 3629 §4).
func (u *utf8Check) step(b byte) bool {
	if u.need > 0 {
		if b < u.lo || b > u.hi {
			return false
		}
		u.need--
		u.lo, u.hi = 0x80, 0xBF
		return true
	}
	u.lo, u.hi = 0x80, 0xBF
	switch {
	case b < 0x80:
	case b >= 0xC2 && b <= 0xDF:
		u.need = 1
	case b >= 0xE0 && b <= 0xEF:
		u.need = 2
		switch b {
		case 0xE0:
			u.lo = 0xA0
		case 0xED:
			u.hi = 0x9F
		}
	case b >= 0xF0 && b <= 0xF4:
		u.need = 3
		switch b {
		case 0xF0:
			u.lo = 0x90
		case 0xF4:
			u.hi = 0x8F
		}
	default:
		return false
	}
	return true
}
