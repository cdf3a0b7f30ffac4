package inside_test

import (
	"context"
	"errors"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/cable/inside"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunGivesWhatTheCommandGave(t *testing.T) {
	ctx := context.Background()
	require.NoError(t, <-inside.Run(ctx, "", []string{"true"}))
	var exit *exec.ExitError
	require.ErrorAs(t, <-inside.Run(ctx, "", []string{"sh", "-c", "exit 7"}), &exit)
	require.Equal(t, 7, exit.ExitCode())
	require.ErrorIs(t, <-inside.Run(ctx, "", []string{"strata-no-such-command"}), exec.ErrNotFound)
	require.ErrorContains(t, <-inside.Run(ctx, "strata-nowhere", []string{"true"}), "strata-nowhere")
	require.Nil(t, inside.Run(ctx, "", nil), "without a command there is nothing to wait for")
}

// Who is told to end is told so by SIGTERM, and can still say something else.
func TestRunEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := inside.Run(ctx, "", []string{"sleep", "1000"})
	cancel()
	err := <-done
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit) || errors.Is(err, context.Canceled), "%v", err)
}
