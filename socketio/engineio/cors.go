package engineio

import (
	"net/http"
	"path"
	"strings"
)

// cors sets the headers that let the page of an allowed origin read the answer
// (https://fetch.spec.whatwg.org/#http-cors-protocol), and answers a preflight:
// then it reports true.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	if len(s.opts.AllowedOrigins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !matchOrigin(s.opts.AllowedOrigins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if s.opts.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET,POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Add("Vary", "Access-Control-Request-Headers")
		h.Set("Access-Control-Allow-Headers", asked)
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// matchOrigin reports whether one of the patterns, which are as for ws, allows
// an origin.
func matchOrigin(patterns []string, origin string) bool {
	origin = strings.ToLower(origin)
	_, host, _ := strings.Cut(origin, "://")
	for _, p := range patterns {
		target := origin
		if !strings.Contains(p, "://") {
			target = host
		}
		if match, _ := path.Match(strings.ToLower(p), target); match || p == "*" {
			return true
		}
	}
	return false
}
