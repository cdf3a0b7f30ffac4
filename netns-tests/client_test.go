package netnstests

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// node starts one of the JavaScript clients in the namespace.
func (ns *namespace) node(t testing.TB, script string, args ...string) *process {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("node", script))
	require.NoError(t, err)
	return start(t, ns.command(append([]string{"node", path}, args...)...))
}

// curl gives what curl prints, run in the namespace. The server's certificate,
// if it has one, is trusted by its fingerprint.
func (s *server) curl(t testing.TB, args ...string) string {
	t.Helper()
	curl := []string{"curl", "--silent", "--show-error", "--fail", "--max-time", "60"}
	if s.ready.Fingerprint != "" {
		curl = append(curl, "--cacert", s.certificate(t))
	}
	return output(t, s.ns.command(append(curl, args...)...))
}

// certificate is a file with the server's certificate, after its fingerprint
// was compared.
func (s *server) certificate(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "certificate.pem")
	fetch := s.ns.node(t, "certificate.mjs", s.url(), s.ready.Fingerprint)
	require.Equal(t, 0, fetch.exit(t), "certificate.mjs: %s", fetch.stderr.tail())
	require.NoError(t, os.WriteFile(path, []byte(fetch.stdout.String()), 0o600))
	return path
}
