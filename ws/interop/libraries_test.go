package interop

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

var libraries = []library{gorilla, coder, gobwasLibrary, gwsLibrary, xnet}

// serveHTTP serves h until the test ends, and gives its address for ws.
func serveHTTP(t *testing.T, h http.Handler) string {
	hs := httptest.NewUnstartedServer(h)
	hs.Config.ErrorLog = log.New(io.Discard, "", 0)
	hs.Start()
	t.Cleanup(hs.Close)
	return "ws" + strings.TrimPrefix(hs.URL, "http") + "/"
}

// ways are the ways in which a library can be asked for compression, with not at
// all.
func (l library) ways() []string { return append([]string{""}, l.compressions...) }

// orNone is a way's name.
func orNone(way string) string {
	if way == "" {
		return "not compressed"
	}
	return way
}

// Our client at the servers of others.
func TestLibrariesServe(t *testing.T) {
	for _, l := range libraries {
		for _, way := range l.ways() {
			for _, compress := range compressions {
				t.Run(l.name+"/"+orNone(way)+"/ours "+compress.name, func(t *testing.T) {
					t.Parallel()
					ends := make(chan error, 2)
					url := serveHTTP(t, l.serve(way, func(c conn) { ends <- echo(c) }))

					c, resp, frames, err := tryOurs(t, url, compress.Compression)
					if err != nil && l.ignoresBits && way != "" && compress.Compression != nil && compress.ServerMaxWindowBits != 0 {
						require.ErrorContains(t, err, "max_window_bits=")
						return
					}
					require.NoError(t, err)
					tell(t, c, l.lacks)
					requireCompressed(t, way, compress, resp.Header.Get("Sec-WebSocket-Extensions"), frames)
					waitFor(t, ends)

					c, _, _ = dialOurs(t, url, compress.Compression)
					closeOurs(t, c, l)
					if err := waitFor(t, ends); !l.lacks.codes {
						require.Equal(t, byClient, err)
					}
				})
			}
		}
	}
}

// closeOurs closes from our side; that Close returns without an error says that
// the handshake was complete. gws ends the connection where it should wait.
func closeOurs(t *testing.T, c conn, l library) {
	err := c.close(byClient.Code, byClient.Reason)
	if !l.lacks.codes {
		require.NoError(t, err)
	}
}

// requireCompressed compares what was agreed on with what then happened, and with
// what was to be expected.
func requireCompressed(t *testing.T, way string, asked compression, extensions string, f *frames) {
	agreed := strings.Contains(extensions, "permessage-deflate")
	t.Logf("asked for %s, and %s by ours: agreed on %q; %d compressed messages came, %d went", orNone(way), asked.name, extensions, f.in.Load(), f.out.Load())
	switch {
	case way == "" || asked.Compression == nil:
		require.False(t, agreed)
	case asked.ServerMaxWindowBits == 0:
		require.True(t, agreed, "both can do without smaller windows")
	}
	if agreed {
		require.Positive(t, f.in.Load(), "compressed messages from the peer")
		require.Positive(t, f.out.Load(), "compressed messages to the peer")
	} else {
		require.Zero(t, f.in.Load()+f.out.Load(), "compressed without agreement")
	}
}

// The clients of others at our server, which reads in a loop, or is called by
// events.
func TestLibrariesDial(t *testing.T) {
	for mode, serve := range map[string]func(*testing.T, *ws.Compression, http.Handler) *server{"Accept": serveOurs, "Handle": serveEvents} {
		for _, l := range libraries {
			for _, way := range l.ways() {
				for _, compress := range compressions {
					t.Run(mode+"/"+l.name+"/"+orNone(way)+"/ours "+compress.name, func(t *testing.T) {
						t.Parallel()
						s := serve(t, compress.Compression, nil)
						dial := func() conn {
							ctx, cancel := context.WithTimeout(ctx, patience)
							defer cancel()
							c, err := l.dial(ctx, s.url, way)
							require.NoError(t, err)
							return c
						}
						tell(t, dial(), l.lacks)
						requireAnswered(t, waitFor(t, s.ends), l.lacks)

						c := dial()
						require.NoError(t, c.close(byClient.Code, byClient.Reason))
						want := byClient
						if l.lacks.codes {
							want = closed{1000, ""}
						}
						require.Equal(t, want, waitFor(t, s.ends))
					})
				}
			}
		}
	}
}

// requireAnswered says that a client answered the server's close frame, with the
// same code.
func requireAnswered(t *testing.T, err error, without lacks) {
	t.Helper()
	var got closed
	require.ErrorAs(t, err, &got)
	if !without.codes {
		require.Equal(t, byServer.Code, got.Code)
	}
}

// waitFor is how the next connection of a server ended.
func waitFor(t *testing.T, ends <-chan error) error {
	t.Helper()
	select {
	case err := <-ends:
		return err
	case <-time.After(patience):
		require.FailNow(t, "a connection did not end at the server")
		return nil
	}
}
