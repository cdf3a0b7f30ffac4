package ws

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// checkOrigin says whether a browser may connect from the page it is on (RFC
// 6455 §10.2). Without an Origin it is no browser; a page of the request's own
// host may; others only where a pattern matches. err is a pattern that is wrong.
func checkOrigin(r *http.Request, patterns []string) (ok bool, err error) {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true, nil
	}
	for _, p := range patterns {
		if p == "*" {
			return true, nil
		}
	}
	if len(origins) > 1 {
		return false, nil
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Host == "" {
		return false, nil // also "null", which is any page that hides where it is from
	}
	scheme := strings.ToLower(u.Scheme)
	host := withoutDefaultPort(u.Host, scheme)
	if host == withoutDefaultPort(r.Host, scheme) {
		return true, nil
	}
	for _, p := range patterns {
		target := host
		if strings.Contains(p, "://") {
			target = scheme + "://" + host
		}
		match, err := path.Match(strings.ToLower(p), target)
		if err != nil {
			return false, fmt.Errorf("origin pattern %q: %w", p, err)
		}
		if match {
			return true, nil
		}
	}
	return false, nil
}

// withoutDefaultPort is the host in lower case, without the port that the scheme
// has anyway: browsers leave it out, other clients may not.
func withoutDefaultPort(host, scheme string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "http", "ws":
		host = strings.TrimSuffix(host, ":80")
	case "https", "wss":
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}
