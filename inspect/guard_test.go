package inspect

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// send asks a guard, with a page behind it that answers 200, and gives the answer.
func send(token, method, target, host string, header map[string]string) *httptest.ResponseRecorder {
	g := &guard{token: token, next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })}
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// A name that is not localhost may be anybody's, and may point here since a moment
// ago; an address cannot.
func TestHosts(t *testing.T) {
	for host, status := range map[string]int{
		"127.0.0.1:7070": 200, "127.0.0.1": 200, "[::1]:7070": 200, "[::1]": 200, "localhost:7070": 200, "LOCALHOST": 200, "192.0.2.1:80": 200,
		"evil.example:7070": 421, "evil.example": 421, "localhost.evil.example:7070": 421, "127.0.0.1.evil.example": 421, "": 421, "strata.test": 421, "0x7f.1": 421,
	} {
		require.Equal(t, status, send("", "GET", "/api/state", host, nil).Code, host)
	}
}

// Pages of other sites get nothing and steer nothing; a link there may lead here.
func TestOrigins(t *testing.T) {
	const us = "127.0.0.1:7070"
	for _, tt := range []struct {
		name, method, path string
		header             map[string]string
		status             int
	}{
		{"a program", "POST", "/api/wires/w/down", nil, 200},
		{"the page", "POST", "/api/wires/w/down", map[string]string{"Origin": "http://" + us, "Sec-Fetch-Site": "same-origin"}, 200},
		{"an older browser", "POST", "/api/wires/w/down", map[string]string{"Origin": "http://" + us}, 200},
		{"another site", "POST", "/api/wires/w/down", map[string]string{"Origin": "http://evil.example"}, 403},
		{"another port of this machine", "POST", "/api/wires/w/down", map[string]string{"Origin": "http://127.0.0.1:8080"}, 403},
		{"another scheme", "POST", "/api/wires/w/down", map[string]string{"Origin": "https://" + us}, 403},
		{"a sandboxed frame", "POST", "/api/wires/w/down", map[string]string{"Origin": "null"}, 403},
		{"no origin, but another site", "POST", "/api/wires/w/down", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port, without origin", "GET", "/api/state", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"an image elsewhere", "GET", "/api/state", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		{"typed", "GET", "/", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200},
		{"a link", "GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200},
		{"a link to the API", "GET", "/api/state", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
		{"a form elsewhere", "POST", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
	} {
		require.Equal(t, tt.status, send("", tt.method, tt.path, us, tt.header).Code, tt.name)
	}
}

// The token comes once in the address, which is cleaned, and is a cookie then; or
// as a bearer's. What is only near it is nothing.
func TestToken(t *testing.T) {
	const us, token = "192.0.2.1:7070", "SECRET"
	for _, tt := range []struct {
		target string
		header map[string]string
		status int
	}{
		{"/api/state", nil, 401},
		{"/", nil, 401},
		{"/api/state", map[string]string{"Authorization": "Bearer SECRET"}, 200},
		{"/api/state", map[string]string{"Authorization": "Bearer SECRE"}, 401},
		{"/api/state", map[string]string{"Authorization": "Bearer "}, 401},
		{"/api/state", map[string]string{"Authorization": "Basic SECRET"}, 401},
		{"/api/state?token=SECRET", nil, 200},
		{"/api/state?token=secret", nil, 401},
		{"/api/state?token=", nil, 401},
		{"/?token=SECRET", nil, 303},
		{"/api/state", map[string]string{"Cookie": cookieName + "=SECRET"}, 200},
		{"/api/state", map[string]string{"Cookie": cookieName + "=old; " + cookieName + "=SECRET"}, 200},
		{"/api/state", map[string]string{"Cookie": cookieName + "=old"}, 401},
		{"/api/state", map[string]string{"Authorization": "Bearer SECRET", "Origin": "http://evil.example"}, 403},
	} {
		require.Equal(t, tt.status, send(token, "GET", tt.target, us, tt.header).Code, "%s %v", tt.target, tt.header)
	}
	w := send(token, "GET", "/?token=SECRET", us, nil)
	require.Equal(t, "/", w.Header().Get("Location"))
	cookie := w.Result().Cookies()[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	require.NotContains(t, send(token, "GET", "/api/state", us, nil).Body.String(), token)
}

// Without a host a page is on the loopback; on other addresses it has a token,
// another one each time.
func TestListen(t *testing.T) {
	for _, tt := range []struct{ address, url string }{
		{":0", "http://127.0.0.1:"}, {"0", "http://127.0.0.1:"}, {"localhost:0", "http://127.0.0.1:"}, {"127.0.0.1:0", "http://127.0.0.1:"},
	} {
		ln, token, err := Listen(tt.address)
		require.NoError(t, err, tt.address)
		require.Empty(t, token)
		require.Contains(t, URL(ln.Addr(), token), tt.url)
		ln.Close()
	}
	var tokens []string
	for range 2 {
		ln, token, err := Listen("0.0.0.0:0")
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(token), 26, "128 bits")
		require.Regexp(t, `^http://127\.0\.0\.1:\d+/\?token=`+token+`$`, URL(ln.Addr(), token))
		tokens = append(tokens, token)
		ln.Close()
	}
	require.NotEqual(t, tokens[0], tokens[1])
	for _, bad := range []string{"example.com:80", "127.0.0.1:x", "[::1", "127.0.0.1:99999"} {
		_, _, err := Listen(bad)
		require.Error(t, err, bad)
	}
}
