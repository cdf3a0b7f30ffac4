package socketio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"strata/socketio/engineio"
)

// Handshake is what a client said when it connected: the first request of its
// connection, and the auth payload with which it joined the namespace.
type Handshake struct {
	Time    time.Time   // of the request
	Header  http.Header // to be read only
	URL     *url.URL    // to be read only
	Address string      // the client's, "address:port"
	Secure  bool        // over TLS
	XDomain bool        // the request has an Origin: it is from a page
	Auth    json.RawMessage
}

// Query are the parameters of the request's URL.
func (h *Handshake) Query() url.Values { return h.URL.Query() }

// DecodeAuth stores the auth payload in the value that v points to. Where the
// client sent none, v is left alone.
func (h *Handshake) DecodeAuth(v any) error {
	if len(h.Auth) == 0 {
		return nil
	}
	return json.Unmarshal(h.Auth, v)
}

// MarshalJSON is the official server's form, in which servers of a cluster tell
// each other.
func (h *Handshake) MarshalJSON() ([]byte, error) {
	lower := func(m map[string][]string, key func(string) string) map[string]string {
		one := make(map[string]string, len(m))
		for k, v := range m {
			one[key(k)] = strings.Join(v, ", ")
		}
		return one
	}
	auth := h.Auth
	if len(auth) == 0 {
		auth = json.RawMessage("{}")
	}
	return json.Marshal(map[string]any{
		"headers": lower(h.Header, strings.ToLower),
		"time":    h.Time.Format(time.RFC1123Z),
		"address": h.Address,
		"xdomain": h.XDomain,
		"secure":  h.Secure,
		"issued":  h.Time.UnixMilli(),
		"url":     h.URL.RequestURI(),
		"query":   lower(h.Query(), func(k string) string { return k }),
		"auth":    auth,
	})
}

func newHandshake(h *engineio.Handshake, auth []byte) *Handshake {
	return &Handshake{
		Time: h.Time, Header: h.Header, URL: h.URL, Address: h.RemoteAddr, Secure: h.Secure,
		XDomain: strings.TrimSpace(h.Header.Get("Origin")) != "", Auth: auth,
	}
}
