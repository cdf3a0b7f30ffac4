package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strings"
)

// acceptKey is the answer to a Sec-WebSocket-Key (RFC 6455 §4.2.2): it shows
// that the server understood the question, and is no secret.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// validKey reports whether key is 16 bytes in base64 (RFC 6455 §4.1).
func validKey(key string) bool {
	var b [18]byte
	if len(key) != base64.StdEncoding.EncodedLen(16) || strings.ContainsAny(key, "\r\n") {
		return false
	}
	n, err := base64.StdEncoding.Decode(b[:], []byte(key))
	return err == nil && n == 16
}

// eachElement calls f with the elements of a comma-separated header, over all
// its lines, empty ones left out (RFC 9110 §5.6.1), while f returns true.
func eachElement(h http.Header, name string, f func(element string) bool) {
	for _, line := range h[name] {
		for element := range strings.SplitSeq(line, ",") {
			element = strings.Trim(element, " \t")
			if element != "" && !f(element) {
				return
			}
		}
	}
}

// hasToken reports whether a header's list has the token, in any case.
func hasToken(h http.Header, name, token string) bool {
	var found bool
	eachElement(h, name, func(element string) bool {
		found = strings.EqualFold(element, token)
		return !found
	})
	return found
}

// isToken reports whether s is a token of RFC 9110 §5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// The names of the handshake's headers as net/http writes them: as map keys they
// cost no canonicalization.
const (
	headerKey        = "Sec-Websocket-Key"
	headerAccept     = "Sec-Websocket-Accept"
	headerVersion    = "Sec-Websocket-Version"
	headerProtocol   = "Sec-Websocket-Protocol"
	headerExtensions = "Sec-Websocket-Extensions"
)
