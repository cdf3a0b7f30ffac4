package engineio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
)

// openStream has a server serve a stream, and gives the client's end of it.
func openStream(t *testing.T, srv *engineio.Server, url string) net.Conn {
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	go srv.ServeStream(httptest.NewRecorder(), httptest.NewRequest(http.MethodConnect, url, nil),
		func(context.Context) (net.Conn, error) { return server, nil })
	return client
}

func sayFramed(t *testing.T, c net.Conn, packet string) {
	_, err := c.Write(append([]byte{byte(len(packet))}, packet...))
	require.NoError(t, err)
}

// The official client opens WebTransport at a URL without a query, and says with the
// first packet which session it is for: a new one, or one that there is. Any other is
// cut off, also where the URL says something else.
func TestFirstPacketOfAStreamSaysWhatItOpens(t *testing.T) {
	sessions := make(chan *session, 10)
	srv := engineio.NewServer(&engineio.Options{Transports: []engineio.Transport{engineio.Polling, engineio.WebTransport}},
		func(es *engineio.Session) engineio.Handler {
			s := &session{Session: es, messages: make(chan engineio.Message, 100), closed: make(chan ended, 2)}
			sessions <- s
			return s
		})
	t.Cleanup(func() { require.NoError(t, srv.Close(context.Background())) })

	c := openStream(t, srv, "/engine.io/")
	sayFramed(t, c, "0")
	var size [1]byte
	_, err := io.ReadFull(c, size[:])
	require.NoError(t, err)
	opened := make([]byte, size[0])
	_, err = io.ReadFull(c, opened)
	require.NoError(t, err)
	require.Contains(t, string(opened), `0{"sid":`)
	require.Equal(t, engineio.WebTransport, (<-sessions).Transport())

	hs := httptest.NewServer(srv)
	defer hs.Close()
	resp, err := http.Get(hs.URL + "/engine.io/?EIO=4&transport=polling")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	polling := <-sessions
	upgraded := make(chan engineio.Transport, 1)
	polling.OnUpgrade(func(to engineio.Transport) { upgraded <- to })
	c = openStream(t, srv, "/engine.io/")
	sayFramed(t, c, fmt.Sprintf(`0{"sid":%q}`, polling.ID()))
	sayFramed(t, c, "2probe")
	answer := make([]byte, 7)
	_, err = io.ReadFull(c, answer)
	require.NoError(t, err)
	require.Equal(t, "\x063probe", string(answer))
	sayFramed(t, c, "5")
	require.Equal(t, engineio.WebTransport, <-upgraded)

	for _, refused := range []struct{ url, first string }{
		{"/engine.io/", `0{"sid":"nobody's"}`},
		{"/engine.io/", `0{"sid":7}`},
		{"/engine.io/", "4hello"},
		{"/engine.io/?EIO=4&transport=webtransport", fmt.Sprintf(`0{"sid":%q}`, polling.ID())},
		{"/engine.io/?EIO=4&transport=webtransport&sid=" + strings.Repeat("x", 20), "0"},
	} {
		before := srv.Counters().Refused
		c := openStream(t, srv, refused.url)
		if !strings.Contains(refused.url, "sid=") { // otherwise it is refused before
			sayFramed(t, c, refused.first)
			_, err = c.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, refused)
		}
		require.Eventually(t, func() bool { return srv.Counters().Refused == before+1 }, patience, time.Millisecond, refused)
	}
	require.Equal(t, 2, srv.Len())
}

// A function of the program's that panics while a session opens by a stream leaves
// no stream open.
func TestPanicsWhileAStreamOpens(t *testing.T) {
	for name, opts := range map[string]engineio.Options{
		"id":     {GenerateID: func(*http.Request) (string, error) { panic("id") }},
		"accept": {},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Transports = []engineio.Transport{engineio.WebTransport}
			srv := engineio.NewServer(&opts, func(*engineio.Session) engineio.Handler { panic("accept") })
			client, server := net.Pipe()
			panicked := make(chan any, 1)
			go func() {
				defer func() { panicked <- recover() }()
				srv.ServeStream(httptest.NewRecorder(), httptest.NewRequest(http.MethodConnect, "/engine.io/", nil),
					func(context.Context) (net.Conn, error) { return server, nil })
			}()
			sayFramed(t, client, "0")
			_, err := io.Copy(io.Discard, client)
			require.NoError(t, err)
			require.Equal(t, name, <-panicked)
			require.Zero(t, srv.Len())
			require.NoError(t, srv.Close(t.Context()))
		})
	}
}
