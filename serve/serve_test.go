package serve

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who is told to end before it has begun opens nothing, and says nothing.
func TestRunEndsDuringTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	capture := filepath.Join(t.TempDir(), "wire.pcapng")
	require.NoError(t, Run(ctx, Config{
		Device: "a-name-that-no-device-can-have", MTU: 1500, Capture: capture, Stdout: &out, Stderr: os.Stderr,
		Addr: netip.MustParsePrefix("10.77.0.2/24"), Peer: netip.MustParsePrefix("10.77.0.1/24"),
	}))
	require.Empty(t, out.String())
	require.NoFileExists(t, capture)
}
