package client_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
)

// The advisories whose attacker may be the server as well: see package socketio's
// advisories_test.go. The server says it after it has let the client in; what is
// left of the client is a socket that was disconnected for the reason.

// told is how the client's connection ends when a server says that: messages that
// begin with "b" are binary.
func told(t *testing.T, messages ...string) (reason string) {
	t.Helper()
	engine := engineio.NewServer(nil, func(s *engineio.Session) engineio.Handler {
		for _, m := range append([]string{`0{"sid":"a"}`}, messages...) {
			if strings.HasPrefix(m, "b") {
				_ = s.Send(engineio.BinaryMessage([]byte(m[1:])))
			} else {
				_ = s.Send(engineio.TextMessage([]byte(m)))
			}
		}
		return sends{s}
	})
	hs := httptest.NewServer(engine)
	defer hs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := client.New(hs.URL, &client.Options{NoReconnection: true, MaxMessage: 2 << 20, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	reasons := make(chan string, 1)
	c.OnDisconnect(func(reason string) { reasons <- reason })
	c.On("error", func(any) {})
	c.On("last", func() { reasons <- "alive" })
	require.NoError(t, c.Connect(ctx))
	select {
	case reason = <-reasons:
	case <-ctx.Done():
		require.FailNow(t, "the client hangs")
	}
	require.NoError(t, c.Close())
	require.NoError(t, engine.Close(ctx))
	return reason
}

func TestCVE_2016_10536_TheServerIsVerified(t *testing.T) {
	io := socketio.NewServer(nil)
	hs := httptest.NewUnstartedServer(io)
	hs.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	hs.StartTLS()
	defer hs.Close()
	for _, transport := range []engineio.Transport{engineio.Polling, engineio.WebSocket} {
		_, err := client.Dial(t.Context(), hs.URL, &client.Options{Transports: []engineio.Transport{transport}, NoReconnection: true})
		var unverified *tls.CertificateVerificationError
		require.ErrorAs(t, err, &unverified)
	}
	c, err := client.Dial(t.Context(), hs.URL, &client.Options{TLSConfig: hs.Client().Transport.(*http.Transport).TLSClientConfig})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, io.Close(t.Context()))
}

func TestCVE_2024_38355_EventNamedErrorFromTheServer(t *testing.T) {
	require.Equal(t, "alive", told(t, `2["error"]`, `2["error",{"message":"x"}]`, `2["last"]`))
}

func TestCVE_2020_36049_MegabyteOfDigitsFromTheServer(t *testing.T) {
	digits := strings.Repeat("1", 1_000_000)
	require.Equal(t, client.ReasonParseError, told(t, "5"+digits))
	require.Equal(t, client.ReasonParseError, told(t, "2"+digits+`["x"]`))
}

func TestCVE_2022_2421_PlaceholderThatIsNoNumberFromTheServer(t *testing.T) {
	for _, num := range []string{`"0"`, `{}`, `-1`, `0.5`, `1e99`, `1`, `null`, `"splice"`} {
		require.Equal(t, client.ReasonParseError, told(t, `51-["x",{"_placeholder":true,"num":`+num+`}]`, "bx"), num)
	}
}

func TestCVE_2023_32695_EventNameThatIsAnObjectFromTheServer(t *testing.T) {
	for _, name := range []string{`{"toString":1}`, `[]`, `null`, `true`, `{}`} {
		require.Equal(t, client.ReasonParseError, told(t, `2[`+name+`]`), name)
	}
}

func TestCVE_2026_33151_UnboundedAttachmentsFromTheServer(t *testing.T) {
	for _, packet := range []string{`55999999-["x"]`, `50-["x"]`, `511-["x"]`} {
		require.Equal(t, client.ReasonParseError, told(t, packet), packet)
	}
}

func TestCVE_2016_10542_MessageLimitOfTheClient(t *testing.T) {
	require.Contains(t, []string{client.ReasonTransportError, client.ReasonTransportClose}, told(t, `2["x","`+strings.Repeat("x", 3<<20)+`"]`))
}

// A server that never says that it has let us in can have us keep only so many
// events.
func TestEventsBeforeTheAnswerAreBounded(t *testing.T) {
	engine := engineio.NewServer(nil, func(s *engineio.Session) engineio.Handler {
		for range 10_000 {
			_ = s.Send(engineio.TextMessage([]byte(`2["x","` + strings.Repeat("x", 1000) + `"]`)))
		}
		_ = s.Send(engineio.TextMessage([]byte(`4{"message":"no"}`)))
		return sends{s}
	})
	hs := httptest.NewServer(engine)
	defer hs.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := client.Dial(t.Context(), hs.URL, &client.Options{NoReconnection: true})
	var refused *client.ConnectError
	require.ErrorAs(t, err, &refused)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(5<<20))
	require.NoError(t, engine.Close(t.Context()))
}
