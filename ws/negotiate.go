package ws

import (
	"fmt"
	"net/http"
)

// refusal is a handshake that is not accepted: the HTTP answer, and why.
type refusal struct {
	status       int
	err          error
	wrongVersion bool // of WebSocket
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, err: fmt.Errorf(format, args...)}
}

// setHeaders sets the headers that the answer needs.
func (no *refusal) setHeaders(h http.Header) {
	if no.wrongVersion {
		h.Set("Sec-WebSocket-Version", "13")
	}
	switch no.status {
	case http.StatusUpgradeRequired:
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
	}
}

// text is what the client is told.
func (no *refusal) text() string {
	if no.status >= http.StatusInternalServerError {
		return http.StatusText(no.status) // what is wrong here is not the client's to know
	}
	return no.err.Error()
}

// agreement is what a handshake agreed on.
type agreement struct {
	subprotocol string
	extensions  string         // as they are answered
	deflate     *deflateParams // nil: no compression
}

// negotiate judges a client's opening handshake and chooses the subprotocol and
// the extensions. check judges what the version of HTTP wants.
func negotiate(r *http.Request, opts *AcceptOptions, check func(*http.Request) *refusal) (agreement, *refusal) {
	if no := check(r); no != nil {
		return agreement{}, no
	}
	if no := checkAudience(r, opts); no != nil {
		return agreement{}, no
	}
	var a agreement
	var no *refusal
	if a.subprotocol, no = chooseSubprotocol(r.Header, opts.Subprotocols); no != nil {
		return agreement{}, no
	}
	if opts.Compression != nil {
		if err := opts.Compression.check(); err != nil {
			return agreement{}, refuse(http.StatusInternalServerError, "%w", err)
		}
		var p deflateParams
		if p, a.extensions = opts.Compression.acceptDeflate(r.Header); a.extensions != "" {
			a.deflate = &p
		}
	}
	return a, nil
}

// checkAudience judges whom the request is for, and from whose page it comes.
func checkAudience(r *http.Request, opts *AcceptOptions) *refusal {
	if r.Host == "" {
		return refuse(http.StatusBadRequest, "no Host")
	}
	switch ok, err := checkOrigin(r, opts.OriginPatterns); {
	case err != nil:
		return refuse(http.StatusInternalServerError, "%w", err)
	case !ok:
		return refuse(http.StatusForbidden, "origin %.100q may not connect to %.100q; AcceptOptions.OriginPatterns allows more", r.Header["Origin"], r.Host)
	}
	return nil
}

// checkUpgrade judges what HTTP/1.1 asks by (RFC 6455 §4.2.1).
func checkUpgrade(r *http.Request) *refusal {
	if r.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "the method is %s; a WebSocket begins with GET", r.Method)
	}
	if r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return refuse(http.StatusBadRequest, "the request is %s; a WebSocket begins with HTTP/1.1 or HTTP/2", r.Proto)
	}
	if !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket") {
		return refuse(http.StatusBadRequest, "this address speaks WebSocket; the request has no Connection: Upgrade and Upgrade: websocket")
	}
	if no := checkVersion(r.Header); no != nil {
		return no
	}
	switch k := r.Header[headerKey]; {
	case len(k) == 0:
		return refuse(http.StatusBadRequest, "no Sec-WebSocket-Key")
	case len(k) > 1:
		return refuse(http.StatusBadRequest, "%d Sec-WebSocket-Key headers", len(k))
	case !validKey(k[0]):
		return refuse(http.StatusBadRequest, "the Sec-WebSocket-Key is not 16 bytes in base64")
	}
	if r.ContentLength != 0 {
		return refuse(http.StatusBadRequest, "the request has a body, which would be taken for frames")
	}
	return nil
}

func checkVersion(h http.Header) *refusal {
	switch v := h[headerVersion]; {
	case len(v) == 0:
		return refuse(http.StatusBadRequest, "no Sec-WebSocket-Version")
	case len(v) > 1:
		return refuse(http.StatusBadRequest, "%d Sec-WebSocket-Version headers", len(v))
	case v[0] != "13":
		no := refuse(http.StatusUpgradeRequired, "WebSocket version %.20q; this server speaks 13", v[0])
		no.wrongVersion = true
		return no
	}
	return nil
}

// chooseSubprotocol is the first of ours that the client offers (RFC 6455
// §4.2.2), none where they have none in common. Names are compared as they are.
func chooseSubprotocol(h http.Header, ours []string) (string, *refusal) {
	var bad string
	best := len(ours)
	eachElement(h, headerProtocol, func(offer string) bool {
		if !isToken(offer) {
			bad = offer
			return false
		}
		for i, p := range ours[:best] {
			if p == offer {
				best = i
				break
			}
		}
		return true
	})
	switch {
	case bad != "":
		return "", refuse(http.StatusBadRequest, "Sec-WebSocket-Protocol has %.40q, which is not a token", bad)
	case best < len(ours):
		return ours[best], nil
	}
	return "", nil
}
