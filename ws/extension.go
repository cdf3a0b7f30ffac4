package ws

import (
	"net/http"
	"strings"
)

// extension is one element of Sec-WebSocket-Extensions (RFC 6455 §9.1).
type extension struct {
	name   string
	params []extensionParam
}

type extensionParam struct {
	name, value string
	hasValue    bool
}

// maxExtensionParams is how many parameters of one extension are looked at:
// permessage-deflate has four, and none may come twice.
const maxExtensionParams = 8

// eachExtension calls f with the elements of the header while f returns true, and
// reports whether what it saw was well-formed. It takes linear time.
func eachExtension(h http.Header, f func(extension) bool) bool {
	for _, line := range h[headerExtensions] {
		for rest := line; rest != ""; {
			var e extension
			var ok bool
			if e, rest, ok = cutExtension(rest); !ok {
				return false
			}
			if e.name != "" && !f(e) {
				return true
			}
		}
	}
	return true
}

// cutExtension takes an element from the front of s, up to its comma. An empty
// one has no name.
func cutExtension(s string) (e extension, rest string, ok bool) {
	e.name, rest = cutToken(s)
	for n := 0; ; n++ {
		rest = strings.TrimLeft(rest, " \t")
		switch {
		case rest == "":
			return e, "", e.name != "" || n == 0
		case rest[0] == ',':
			return e, rest[1:], e.name != "" || n == 0
		case rest[0] != ';' || e.name == "":
			return e, "", false
		}
		var p extensionParam
		p.name, rest = cutToken(rest[1:])
		if p.name == "" {
			return e, "", false
		}
		if after, has := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "="); has {
			p.hasValue = true
			if p.value, rest, ok = cutValue(after); !ok {
				return e, "", false
			}
		}
		if n < maxExtensionParams {
			e.params = append(e.params, p)
		}
	}
}

// cutToken takes a token (RFC 9110 §5.6.2) after blanks from the front of s.
func cutToken(s string) (token, rest string) {
	s = strings.TrimLeft(s, " \t")
	n := 0
	for n < len(s) && isToken(s[n:n+1]) {
		n++
	}
	return s[:n], s[n:]
}

// cutValue takes a token, or a quoted string whose content is one (RFC 6455
// §9.1).
func cutValue(s string) (value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest = cutToken(s)
		return value, rest, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], isToken(b.String())
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
