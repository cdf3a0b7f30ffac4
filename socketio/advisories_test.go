package socketio_test

import (
	"bufio"
	"bytes"
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

// The advisories of the official packages and their like, each as what was sent
// there, against our server; those that a client can suffer as well are in package
// client's advisories_test.go. That the server lives is what alive shows after
// each. Those of package ws and of the parser have their tests beside that code,
// too. These have no test here, because there is nothing to send:
//
//	CVE-2016-10518   ws: a ping whose payload is a number sends memory: ours is []byte
//	CVE-2020-28502, CVE-2021-31597  xmlhttprequest-ssl: code injection, and TLS that
//	                 is not verified: there is no such package; see CVE-2016-10536
//	CVE-2025-61765   python-socketio: pickle between servers: the only adapter here is
//	                 in memory; what Adapter's methods take is JSON and plain structs
//	CVE-2026-21438   webtransport-go: closed streams are kept: fixed in the version that
//	                 go.mod wants; strata/socketio/webtransport shows that none are

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

func TestCVE_2016_10542_MessageLimitOfWhatWasCompressed(t *testing.T) {
	_, url, _ := serve(t, &socketio.Options{Compression: &ws.Compression{}})
	c, _, err := ws.Dial(t.Context(), url+"/socket.io/?EIO=4&transport=websocket", &ws.DialOptions{Compression: &ws.Compression{}})
	require.NoError(t, err)
	defer c.CloseNow()
	p := &peer{t, c}
	p.read()
	p.say("40")
	p.read()
	_ = c.Write(t.Context(), ws.MessageText, []byte(`42["x","`+strings.Repeat("x", 50_000_000)+`"]`)) // 50 kB on the wire
	p.end()
	alive(t, url)
}

func TestGHSA_5v72_xg48_5rpm_ExtensionsNamedLikeJavaScriptsOwn(t *testing.T) {
	_, url, _ := serve(t, &socketio.Options{Compression: &ws.Compression{}})
	for _, offer := range []string{"constructor", "__proto__", "toString; valueOf", "permessage-deflate; constructor", "permessage-deflate; __proto__=1, hasOwnProperty", ";,=", `a; b="\"`} {
		c, _, err := ws.Dial(t.Context(), url+"/socket.io/?EIO=4&transport=websocket", &ws.DialOptions{Header: http.Header{"Sec-Websocket-Extensions": {offer}}})
		if err == nil { // what is malformed may be refused
			c.CloseNow()
		}
	}
	alive(t, url)
}

func TestCVE_2021_32640_LongProtocolHeader(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, value := range []string{strings.Repeat(" ", 900_000) + "x", "a" + strings.Repeat(" ,", 400_000), strings.Repeat("a,", 400_000)} {
		c := request(t, url, "Sec-WebSocket-Protocol: "+value)
		line := make([]byte, 9)
		_, err := io.ReadFull(c, line) // within patience: it is not quadratic
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 ", string(line))
		c.Close()
	}
	alive(t, url)
}

func TestCVE_2024_37890_ManyHeaders(t *testing.T) {
	_, url, _ := serve(t, nil)
	c := request(t, url, strings.TrimSuffix(strings.Repeat("X: y\r\n", 3000), "\r\n"))
	line := make([]byte, 9)
	_, err := io.ReadFull(c, line)
	require.NoError(t, err)
	c.Close()
	c = request(t, url, strings.TrimSuffix(strings.Repeat("X: y\r\n", 300_000), "\r\n"))
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err == nil { // or it hung up while we sent
		require.Equal(t, "HTTP/1.1 431", string(answer))
	}
	c.Close()
	alive(t, url)
}

// request is an upgrade's request with more headers. It does not matter whether
// all of it can be sent.
func request(t *testing.T, url, more string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, _ = fmt.Fprintf(c, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n\r\n", more)
	return c
}

// The close frames that we send hold a code and what we said, and nothing that
// was in memory.
func TestCVE_2026_45736_CloseReason(t *testing.T) {
	_, url, _ := serve(t, nil)
	c := upgrade(t, url)
	_, err := c.Write([]byte{0x88, 0x85, 0, 0, 0, 0, 0x03, 0xe8, 'b', 'y', 'e'}) // 1000 "bye"
	require.NoError(t, err)
	all, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, []string{"\x88\x02\x03\xe8", "\x88\x05\x03\xe8bye"}, string(all[bytes.LastIndexByte(all, 0x88):]))
	c.Close()
	alive(t, url)
}

func TestCVE_2026_48779_TinyFragments(t *testing.T) {
	_, url, _ := serve(t, nil)
	for _, frame := range []string{"\x00\x80\x00\x00\x00\x00", "\x00\x81\x00\x00\x00\x00x"} { // empty, and of a byte
		c := upgrade(t, url)
		_, err := c.Write([]byte("\x01\x81\x00\x00\x00\x004"))
		require.NoError(t, err)
		go func() {
			for range 1000 { // a million of them, as far as they are taken
				if _, err := io.WriteString(c, strings.Repeat(frame, 1000)); err != nil {
					return
				}
			}
		}()
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		last, err := readFrame(r)
		require.NoError(t, err)
		if strings.HasPrefix(last, "\x810") { // the session's beginning, where it came before the flood was found out
			last, err = readFrame(r)
			require.NoError(t, err)
		}
		require.Contains(t, []string{"\x88\x03\xf0", "\x88\x03\xf1"}, last[:3], "1008 or 1009: %q", last)
		c.Close()
	}
	alive(t, url)
}

// readFrame reads a short frame of the server's: its first byte, and what it holds.
func readFrame(r *bufio.Reader) (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	size := int(head[1])
	if size == 126 {
		var long [2]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			return "", err
		}
		size = int(long[0])<<8 | int(long[1])
	}
	payload := make([]byte, size)
	_, err := io.ReadFull(r, payload)
	return string(append(head[:1:1], payload...)), err
}

// ws 8.23: a peer that pings and does not read. What we keep is the answer to its
// latest ping; when that cannot be sent nothing more is read.
func TestWS_8_23_PingFlood(t *testing.T) {
	_, url, _ := serve(t, nil)
	c := upgrade(t, url)
	defer c.Close()
	pings := []byte(strings.Repeat("\x89\xfd\x00\x00\x00\x00"+strings.Repeat("p", 125), 500))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(2*time.Second)))
	sent := 0
	for sent < 100<<20 {
		n, err := c.Write(pings)
		if sent += n; err != nil {
			break
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(4<<20), "of %d bytes of pings", sent)
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
