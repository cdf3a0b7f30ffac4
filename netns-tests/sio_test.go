package netnstests

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/interop/checklist"
	"strata/stack"
	"strata/tcp"
)

// TestSocketIOChecklist has npm's clients go through all that socketio/interop has
// them check, from a namespace: what they say comes out of a TUN device, and our TCP
// answers.
func TestSocketIOChecklist(t *testing.T) {
	need(t, root, tunDevice, program("ip", "node"), interop)
	ns, host := hostInNamespace(t)
	check := func(t *testing.T, script string, opts *socketio.Options, args ...string) {
		t.Parallel()
		url := serveSocketIO(t, host, checklist.Server(opts))
		requireChecks(t, output(t, ns.command(append([]string{"node", filepath.Join(interopFolder, script), url}, args...)...)))
	}
	t.Run("clients", func(t *testing.T) { // all of them before the host closes
		for _, c := range checklist.Combinations {
			t.Run(c.String(), func(t *testing.T) { check(t, "client.cjs", c.Options(), c.Args()...) })
		}
		for _, transports := range checklist.TransportsV2 {
			t.Run("version 2 "+transports, func(t *testing.T) { check(t, "client-v2.cjs", checklist.OptionsV2(), transports) })
		}
	})
}

const interopFolder = "../socketio/interop"

// interop is needed by the clients of socketio/interop. That it looks at their
// files has go test run again what depends on them.
func interop() string {
	for _, name := range []string{"client.cjs", "client-v2.cjs", "browser.cjs", "node_modules/socket.io-client", "node_modules/socket.io-client-v2"} {
		if _, err := os.Stat(filepath.Join(interopFolder, name)); err != nil {
			return "needs the npm packages in socketio/interop: run netns-tests/setup.sh"
		}
	}
	return ""
}

// serveSocketIO serves on a port of the host's that is free, and gives the URL.
func serveSocketIO(t *testing.T, host *stack.Host, io *socketio.Server) string {
	ln, err := (&tcp.ListenConfig{Host: host}).Listen(t.Context(), "tcp", "10.77.0.2:0")
	require.NoError(t, err)
	hs := &http.Server{Handler: io}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, io.Close(ctx))
		require.NoError(t, hs.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return fmt.Sprintf("http://10.77.0.2:%d", ln.Addr().(*net.TCPAddr).Port)
}
