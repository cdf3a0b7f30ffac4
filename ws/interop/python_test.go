package interop

import "testing"

// How python3-websockets is asked for compression.
const (
	pyTakeover = `{"client_max_window_bits":true}`
	pyNothing  = `{"server_no_context_takeover":true,"client_no_context_takeover":true}`
	pySmall    = `{"server_max_window_bits":11,"client_max_window_bits":9}`
	pyServer   = `{}`
)

// Debian's python3-websockets as a client of ours.
func TestPythonDials(t *testing.T) {
	need(t, pythonPackages)
	for _, a := range []agreement{
		{"neither compresses", "", nil, ""},
		{"we do not compress", pyTakeover, nil, ""},
		{"context takeover", pyTakeover, takeover, "permessage-deflate"},
		{"it wants no context takeover", pyNothing, takeover, bothForget},
		{"we want no context takeover", pyTakeover, nothing, bothForget},
		{"it wants small windows", pySmall, takeover, "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9"},
		{"we want small windows", pyTakeover, small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			s := serveOurs(t, a.ours, nil)
			args := []string{python, "python/client.py", s.url}
			if a.theirs != "" {
				args = append(args, a.theirs)
			}
			requireAgreed(t, a.want, tells(t, s, args...), &s.frames)
		})
	}
}

// Debian's python3-websockets as a server of ours.
func TestPythonServes(t *testing.T) {
	need(t, pythonPackages)
	for _, a := range []agreement{
		{"neither compresses", "", nil, ""},
		{"it does not compress", "", takeover, ""},
		{"context takeover", pyServer, takeover, "permessage-deflate"},
		{"it wants no context takeover", pyNothing, takeover, bothForget},
		{"we want no context takeover", pyServer, nothing, bothForget},
		{"it wants small windows", pySmall, takeover, "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9"},
		{"we want small windows", pyServer, small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			args := []string{python, "python/server.py"}
			if a.theirs != "" {
				args = append(args, a.theirs)
			}
			url, ends := listens(t, args...)
			extensions, f := visit(t, url, ends, a.ours)
			requireAgreed(t, a.want, extensions, f)
		})
	}
}
