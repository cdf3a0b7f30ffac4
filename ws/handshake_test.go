package ws

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The RFC's example, §1.3.
func TestAcceptKey(t *testing.T) {
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", acceptKey("dGhlIHNhbXBsZSBub25jZQ=="))
}

// Tokens, against the RFC's grammar as regular expressions: a header has a token
// where one of its elements, between commas and blanks, is it.
func FuzzHeaderTokens(f *testing.F) {
	for _, s := range []string{"upgrade", "keep-alive, Upgrade", " ,\tUPGRADE ,", "upgraded", "up grade", "\"a, upgrade\"", "a,b;c=d", ""} {
		f.Add(s, "upgrade")
	}
	token := regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$")
	f.Fuzz(func(t *testing.T, line, name string) {
		require.Equal(t, token.MatchString(name), isToken(name))
		if !isToken(name) {
			return
		}
		inList := regexp.MustCompile(`(?i:(^|,)[ \t]*` + regexp.QuoteMeta(name) + `[ \t]*(,|$))`)
		// EqualFold knows of the Kelvin sign; no header of HTTP has it raw.
		for _, r := range line {
			if r >= 0x80 {
				return
			}
		}
		require.Equal(t, inList.MatchString(line), hasToken(http.Header{"A": {line}}, "A", name))
	})
}

// Whatever the request, the server answers or takes it over; and it takes over
// only what has a key, the version, and a page of its own host.
func FuzzNegotiate(f *testing.F) {
	f.Add("Upgrade", "websocket", "13", "dGhlIHNhbXBsZSBub25jZQ==", "chat", "http://h")
	f.Add("keep-alive, upgrade", "h2c,websocket", "12", "", "a,,b", "null")
	f.Fuzz(func(t *testing.T, connection, upgrade, version, key, protocols, origin string) {
		r := &http.Request{Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Host: "h", URL: &url.URL{Path: "/"}, Header: http.Header{
			"Connection": {connection}, "Upgrade": {upgrade}, headerVersion: {version}, headerKey: {key},
			headerProtocol: {protocols}, "Origin": {origin},
		}}
		agreed, no := negotiate(r, &AcceptOptions{Subprotocols: []string{"chat", "b"}}, checkUpgrade)
		if no != nil {
			require.GreaterOrEqual(t, no.status, 400)
			require.Less(t, no.status, 500)
			require.Error(t, no.err)
			return
		}
		require.Equal(t, "13", version)
		raw, err := base64.StdEncoding.DecodeString(key)
		require.NoError(t, err)
		require.Len(t, raw, 16)
		require.Contains(t, strings.ToLower(upgrade), "websocket")
		require.Contains(t, strings.ToLower(connection), "upgrade")
		require.True(t, agreed.subprotocol == "" || strings.Contains(protocols, agreed.subprotocol))
		u, err := url.Parse(origin)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(strings.ToLower(u.Host), "h"))
	})
}
