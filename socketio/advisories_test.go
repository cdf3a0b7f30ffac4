package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/ws"
)

// The advisories of the official packages, each as what was sent there, against
// our server. That the server lives is what alive shows after each. Those of
// package ws and of the parser have their tests beside that code, too.

// alive reports, by failing, that a server no longer serves.
func alive(t *testing.T, url string) {
	t.Helper()
	p := raw(t, url)
	p.say("40")
	require.Contains(t, p.read(), `40{"sid"`)
	p.conn.CloseNow()
}

// ends sends what has to end a connection, and nothing more.
func ends(t *testing.T, url string, packets ...string) {
	t.Helper()
	p := raw(t, url)
	p.say("40")
	p.read()
	for _, packet := range packets {
		if p.conn.Write(context.Background(), ws.MessageText, []byte(packet)) != nil {
			break
		}
	}
	p.end()
	alive(t, url)
}

func TestCVE_2017_16031_PredictableIDs(t *testing.T) {
	_, url, _ := serve(t, nil)
	seen := map[string]bool{}
	for range 50 {
		p := raw(t, url)
		p.say("40")
		id := p.read()
		require.False(t, seen[id[:14]], "ids share a beginning: they are counted, not drawn")
		seen[id[:14]] = true
		p.conn.CloseNow()
	}
}

func TestCVE_2020_28481_OriginsAreNotAllowedByDefault(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, transport := range []string{"polling", "websocket"} {
		req, err := http.NewRequest("GET", url+"/socket.io/?EIO=4&transport="+transport, nil)
		require.NoError(t, err)
		req.Header.Set("Origin", "https://evil.example")
		if transport == "websocket" {
			for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
				req.Header.Set(k, v)
			}
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))
		require.NotEqual(t, http.StatusSwitchingProtocols, resp.StatusCode)
	}
}

func TestCVE_2024_38355_EventNamedError(t *testing.T) {
	_, url, _ := serve(t, nil)
	p := raw(t, url)
	p.say("40")
	p.read()
	p.say(`42["error"]`, `42["error",{"message":"x"}]`)
	alive(t, url)
}

func TestCVE_2020_36048_HugePost(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, chunked := range []bool{false, true} {
		resp, err := http.Get(url + "/socket.io/?EIO=4&transport=polling")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		var open struct{ SID string }
		require.NoError(t, json.Unmarshal(body[1:], &open))
		var huge io.Reader = strings.NewReader("4" + strings.Repeat("x", 5_000_000))
		if chunked {
			huge = io.MultiReader(huge) // hides its length
		}
		resp, err = http.Post(url+"/socket.io/?EIO=4&transport=polling&sid="+open.SID, "text/plain", huge)
		if err == nil { // or the server hung up while we sent
			resp.Body.Close()
			require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
		}
	}
	alive(t, url)
}

func TestCVE_2022_21676_BadFrameRightAfterTheHandshake(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, frame := range [][]byte{{0xf1, 0x80, 0, 0, 0, 0}, {0x91, 0x80, 0, 0, 0, 0}, {0xff, 0xff, 0xff}, {0x81, 0x01, 'x'}} {
		c := upgrade(t, url)
		_, err := c.Write(frame) // with the request's last byte, or nearly
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, c)
		c.Close()
	}
	alive(t, url)
}

// upgrade sends an opening handshake and does not wait for the answer.
func upgrade(t *testing.T, url string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(c, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, err)
	return c.(*net.TCPConn)
}

func TestCVE_2022_41940_ResetAtEachStep(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, query := range []string{"EIO=4&transport=websocket", "EIO=4&transport=websocket&sid=none", "EIO=2&transport=websocket", "transport=websocket"} {
		for cut := 10; cut < 200; cut += 30 {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			require.NoError(t, err)
			request := "GET /socket.io/?" + query + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
			_, err = c.Write([]byte(request[:min(cut, len(request))]))
			require.NoError(t, err)
			require.NoError(t, c.(*net.TCPConn).SetLinger(0)) // RST
			c.Close()
		}
	}
	alive(t, url)
}

func TestCVE_2023_31125_UnexpectedQueries(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, query := range []string{
		"EIO=4&transport=polling&transport=websocket", "EIO=4&transport=", "EIO=4&transport=__proto__", "EIO=4&transport=constructor",
		"EIO=4&transport=handlesUpgrades", "EIO=4&EIO=3&transport=polling", "EIO[]=4&transport[]=polling", "EIO=4&transport=polling&sid=__proto__",
		"EIO=4&transport=polling&sid=a&sid=b", "EIO=&transport=polling", "%", "&&&", "EIO=4&transport=webtransport",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
			req, err := http.NewRequest(method, url+"/socket.io/?"+query, nil)
			require.NoError(t, err)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, 400, resp.StatusCode, "%s %s", method, query)
		}
	}
	// A poll that asks to be upgraded, and an upgrade that asks to be a poll.
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer c.Close()
	fmt.Fprintf(c, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	line := make([]byte, 12)
	_, err = io.ReadFull(c, line)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 400", string(line))
	alive(t, url)
}

func TestGHSA_pxg6_pf52_xh8x_CookieInjection(t *testing.T) {
	_, url, _ := serve(t, &socketio.Options{Cookie: &http.Cookie{Name: "io", Path: "/; HttpOnly=false\r\nX-Evil: 1", Domain: "a;b"}})
	resp, err := http.Get(url + "/socket.io/?EIO=4&transport=polling")
	require.NoError(t, err)
	resp.Body.Close()
	require.Empty(t, resp.Header.Get("X-Evil"))
	cookie := resp.Header.Get("Set-Cookie")
	require.NotContains(t, cookie, "a;b")
	require.NotContains(t, cookie, "\n")
	require.Equal(t, 1, strings.Count(cookie, "io="))
}

func TestCVE_2020_36049_MegabyteOfDigits(t *testing.T) {
	_, url, _ := serve(t, nil)
	ends(t, url, "45"+strings.Repeat("1", 900_000))
	ends(t, url, "42"+strings.Repeat("1", 900_000)+`["x"]`)
}

func TestCVE_2022_2421_PlaceholderThatIsNoNumber(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, num := range []string{`"0"`, `{}`, `-1`, `0.5`, `1e99`, `1`, `null`, `"splice"`} {
		p := raw(t, url)
		p.say("40")
		p.read()
		p.say(`451-["x",{"_placeholder":true,"num":` + num + `}]`)
		_ = p.conn.Write(context.Background(), ws.MessageBinary, []byte{1})
		p.end()
	}
	alive(t, url)
}

func TestCVE_2023_32695_EventNameThatIsAnObject(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, name := range []string{`{"toString":1}`, `[]`, `null`, `true`, `{}`} {
		ends(t, url, `42[`+name+`,"x"]`)
	}
}

func TestCVE_2026_33151_UnboundedAttachments(t *testing.T) {
	_, url, _ := serve(t, nil)
	ends(t, url, `45999999-["x"]`)
	ends(t, url, `450-["x"]`)
	ends(t, url, `4511-["x"]`)
}

func TestCVE_2016_10542_MessageLimit(t *testing.T) {
	_, url, _ := serve(t, nil)
	p := raw(t, url)
	p.say("40")
	p.read()
	_ = p.conn.Write(context.Background(), ws.MessageText, []byte(`42["x","`+strings.Repeat("x", 1_000_001)+`"]`))
	p.end()
	alive(t, url)
}

func TestCVE_2026_48802_UnsolicitedPongsStartNothing(t *testing.T) {
	_, url, _ := serve(t, nil)
	p := raw(t, url)
	p.say("40")
	p.read()
	before := runtime.NumGoroutine()
	for range 10_000 {
		p.say("3")
	}
	p.say(`42["x"]`)
	require.Less(t, runtime.NumGoroutine(), before+20)
	alive(t, url)
}

// What has no advisory yet: regular expressions have no state here, null bytes
// are in names what other bytes are, nesting has a limit.
func TestOddNamesAndDeepNesting(t *testing.T) {
	server, url, _ := serve(t, nil)
	server.OfPattern(regexp.MustCompile(`^/n`))
	p := raw(t, url)
	for range 3 { // a pattern with state would refuse every other
		p.say("40/n1,")
		require.Contains(t, p.read(), "40/n1,{")
		p.say("41/n1,")
	}
	p.say("40/n\x00x,")
	require.Contains(t, p.read(), "40/n\x00x,{")
	ends(t, url, `42["x",`+strings.Repeat("[", 400_000)+strings.Repeat("]", 400_000)+`]`)
}
