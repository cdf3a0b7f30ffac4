package inspect

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Listen opens the kernel's socket for a page at "host:port"; without a host it
// is 127.0.0.1, and a host must be an IP address or localhost. On an address that
// is not a loopback's there is a token, which who asks must have; else it is
// empty.
func Listen(address string) (ln net.Listener, token string, err error) {
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", fmt.Errorf("%q: an address like 127.0.0.1:7070 is wanted", address)
	}
	switch host {
	case "", "localhost":
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil, "", fmt.Errorf("%q: an IP address with a port is wanted, like 127.0.0.1:7070", address)
	}
	if !ip.Unmap().IsLoopback() {
		token = rand.Text()
	}
	network := "tcp"
	if ip.Is4() {
		network = "tcp4" // 0.0.0.0 is not every address of IPv6 too
	}
	if ln, err = net.Listen(network, net.JoinHostPort(host, port)); err != nil {
		return nil, "", err
	}
	return ln, token, nil
}

// URL is where a page is, with its token where it has one. Of a listener on
// every address it is this machine's.
func URL(addr net.Addr, token string) string {
	host := addr.String()
	if ap, err := netip.ParseAddrPort(host); err == nil && ap.Addr().IsUnspecified() {
		local := netip.MustParseAddr("127.0.0.1")
		if ap.Addr().Is6() && !ap.Addr().Is4In6() {
			local = netip.IPv6Loopback()
		}
		host = netip.AddrPortFrom(local, ap.Port()).String()
	}
	u := "http://" + host + "/"
	if token != "" {
		u += "?token=" + token
	}
	return u
}

// guard lets those requests pass that may.
type guard struct {
	token string // empty: everybody who reaches us
	next  http.Handler
}

const cookieName = "strata-inspect"

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the token is in the first address
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if err := checkHost(r.Host); err != nil {
		refuse(w, http.StatusMisdirectedRequest, err)
		return
	}
	if err := checkOrigin(r); err != nil {
		refuse(w, http.StatusForbidden, err)
		return
	}
	if g.token != "" && !g.admit(w, r) {
		return
	}
	g.next.ServeHTTP(w, r)
}

// checkHost refuses names: whose they are, and to where they point, is for others
// to say. An address cannot be made to point elsewhere.
func checkHost(host string) error {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := netip.ParseAddr(name); err == nil || strings.EqualFold(name, "localhost") {
		return nil
	}
	return fmt.Errorf("host %q: this page is served under an IP address or localhost only", name)
}

// checkOrigin refuses what the pages of other sites ask for. Browsers say so by
// Origin, newer ones by Sec-Fetch-Site as well; other programs say neither. A link
// on another site may lead to the page, but not to what it does.
func checkOrigin(r *http.Request) error {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host != r.Host {
			return fmt.Errorf("origin %q: requests from the pages of other sites are refused", origin)
		}
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
		return nil
	default:
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
			return nil
		}
		return fmt.Errorf("a %s request: requests from the pages of other sites are refused", site)
	}
}

var errToken = errors.New("a token is wanted, as it was printed at the start: ?token=… or Authorization: Bearer …")

// admit reports whether the request has the token. Who brings it in the address
// gets it as a cookie, and a clean address.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && g.is(bearer) {
		return true
	}
	if g.is(r.URL.Query().Get("token")) {
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: g.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return false
		}
		return true
	}
	for _, c := range r.CookiesNamed(cookieName) { // cookies do not tell ports apart: another of us may have set one
		if g.is(c.Value) {
			return true
		}
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	refuse(w, http.StatusUnauthorized, errToken)
	return false
}

// is compares in the same time whatever was given, its length included.
func (g *guard) is(given string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(g.token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
