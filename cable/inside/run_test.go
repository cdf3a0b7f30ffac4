package inside

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result runs a command to its end.
func result(t *testing.T, netns string, command ...string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, wait := Run(ctx, netns, command)
	err := <-done
	cancel()
	wait()
	return err
}

func TestRunGivesWhatTheCommandGave(t *testing.T) {
	require.NoError(t, result(t, "", "true"))
	var exit *exec.ExitError
	require.ErrorAs(t, result(t, "", "sh", "-c", "exit 7"), &exit)
	require.Equal(t, 7, exit.ExitCode())
	require.ErrorIs(t, result(t, "", "strata-no-such-command"), exec.ErrNotFound)
	require.ErrorContains(t, result(t, "strata-nowhere", "true"), "strata-nowhere")

	done, wait := Run(t.Context(), "", nil)
	require.Nil(t, done, "without a command there is nothing to wait for")
	wait()
}

// Who is told to end is told so by SIGTERM, and can still say something else.
func TestRunEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done, wait := Run(ctx, "", []string{"sleep", "1000"})
	cancel()
	wait()
	err := <-done
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit) || errors.Is(err, context.Canceled), "%v", err)
}

// Who does not listen is killed: whoever has waited leaves nobody behind.
func TestRunEndsTheStubborn(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancel(context.Background())
	done, wait := run(ctx, "", []string{"sh", "-c", `trap "" TERM; : >"$0"; exec sleep 1000`, ready}, 10*time.Millisecond)
	require.Eventually(t, func() bool { // the shell has no other way to say it
		_, err := os.Stat(ready)
		return err == nil
	}, time.Minute, time.Millisecond)
	cancel()
	wait()
	var exit *exec.ExitError
	require.ErrorAs(t, <-done, &exit)
	require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
}
