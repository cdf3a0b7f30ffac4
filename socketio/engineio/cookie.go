package engineio

import "net/http"

// withCookieDefaults fills in what the official server does.
func withCookieDefaults(c http.Cookie) *http.Cookie {
	if c.Name == "" {
		c.Name = "io"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	return &c
}

// setCookie tells the client its session's id by cookie. net/http leaves out a
// cookie whose name or attributes could not be read back as what they are, so
// none can be used to add another (GHSA-pxg6-pf52-xh8x).
func (s *Server) setCookie(w http.ResponseWriter, sid string) {
	if s.opts.Cookie == nil {
		return
	}
	c := *s.opts.Cookie
	c.Value = sid
	http.SetCookie(w, &c)
}
