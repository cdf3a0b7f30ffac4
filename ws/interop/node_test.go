package interop

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// How npm's ws is asked for compression: it compresses all sizes, as we do here.
const (
	npmTakeover = `{"threshold":0}`
	npmNothing  = `{"threshold":0,"serverNoContextTakeover":true,"clientNoContextTakeover":true}`
	npmSmall    = `{"threshold":0,"serverMaxWindowBits":11,"clientMaxWindowBits":9}`
	npmSmaller  = `{"threshold":0,"serverMaxWindowBits":10,"clientMaxWindowBits":9}`
)

const bothForget = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// npm's ws as a client of ours.
func TestNpmDials(t *testing.T) {
	need(t, nodePackages)
	for mode, serve := range map[string]func(*testing.T, *ws.Compression, http.Handler) *server{"Accept": serveOurs, "Handle": serveEvents} {
		for _, a := range []agreement{
			{"neither compresses", "", nil, ""},
			{"we do not compress", npmTakeover, nil, ""},
			{"it does not compress", "", takeover, ""},
			{"context takeover", npmTakeover, takeover, "permessage-deflate"},
			{"it wants no context takeover", npmNothing, takeover, bothForget},
			{"we want no context takeover", npmTakeover, nothing, bothForget},
			{"it wants small windows", npmSmall, takeover, "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9"},
			{"we want small windows", npmTakeover, small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
			{"both want small windows", npmSmall, small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
		} {
			t.Run(mode+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, a.ours, nil)
				args := []string{"node", "js/client.mjs", "ws", s.url}
				if a.theirs != "" {
					args = append(args, a.theirs)
				}
				requireAgreed(t, a.want, tells(t, s, args...), &s.frames)
			})
		}
	}
}

// npm's ws as a server of ours.
func TestNpmServes(t *testing.T) {
	need(t, nodePackages)
	for _, a := range []agreement{
		{"neither compresses", "", nil, ""},
		{"we do not compress", npmTakeover, nil, ""},
		{"it does not compress", "", takeover, ""},
		{"context takeover", npmTakeover, takeover, "permessage-deflate"},
		{"it wants no context takeover", npmNothing, takeover, bothForget},
		{"we want no context takeover", npmTakeover, nothing, bothForget},
		{"it wants small windows", npmSmall, takeover, "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9"},
		{"we want small windows", npmTakeover, small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
		// Where a client wants smaller ones than it does it answers 400.
		{"both want small windows", npmSmaller, small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"node", "js/server.mjs"}
			if a.theirs != "" {
				args = append(args, a.theirs)
			}
			url, ends := listens(t, args...)
			extensions, f := visit(t, url, ends, a.ours)
			requireAgreed(t, a.want, extensions, f)
		})
	}
}

// Node's own client, which Node 20 has behind a flag. It takes compressed messages
// and sends none.
func TestNodeDials(t *testing.T) {
	need(t, nodePackages)
	for _, compress := range compressions {
		t.Run("ours "+compress.name, func(t *testing.T) {
			t.Parallel()
			s := serveOurs(t, compress.Compression, nil)
			requireTold(t, s, compress, tells(t, s, "node", "--experimental-websocket", "--no-warnings", "js/client.mjs", "node", s.url), false)
		})
	}
}

// Chromium, which compresses where the server does. It is started once.
func TestChromiumDials(t *testing.T) {
	need(t, chromium)
	args := []string{"node", "js/client.mjs", "chromium"}
	var servers []*server
	for _, compress := range compressions {
		s := serveOurs(t, compress.Compression, pages())
		servers = append(servers, s)
		args = append(args, s.url)
	}
	told := run(t, args...)
	require.Len(t, told, len(servers))
	for i, compress := range compressions {
		t.Run("ours "+compress.name, func(t *testing.T) {
			requireEnds(t, servers[i])
			requireTold(t, servers[i], compress, told[i].Extensions, true)
		})
	}
}

// requireTold compares what a browser's socket says that was agreed on with what
// happened. compresses: it always can, and does.
func requireTold(t *testing.T, s *server, compress compression, extensions string, compresses bool) {
	t.Helper()
	t.Log("agreed on", extensions)
	in, out := s.frames.in.Load(), s.frames.out.Load()
	switch {
	case compress.Compression == nil:
		require.Empty(t, extensions)
	case compresses:
		require.Contains(t, extensions, "permessage-deflate")
	}
	if extensions == "" {
		require.Zero(t, in+out, "compressed without agreement")
		return
	}
	require.Positive(t, out, "compressed messages to it")
	if compresses {
		require.Positive(t, in, "compressed messages from it")
	}
}
