package netnstests

import (
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A command ends with its server, however that ends, also where it does not
// listen to SIGTERM.
func TestCommandEndsWithItsServer(t *testing.T) {
	need(t, root, tunDevice, userNamespaces, program("ip"))
	stubborn := []string{"--", "sh", "-c", `trap "" TERM INT; echo $$; exec sleep 1000`}
	inNamespace := func(ns *namespace) *exec.Cmd {
		return exec.Command(strata, append([]string{"serve", "--quiet", "--netns", ns.name}, stubborn...)...)
	}
	rootless := func(*namespace) *exec.Cmd {
		return asOrdinaryUser(append([]string{strata, "serve", "--quiet"}, stubborn...)...)
	}
	kill := func(s syscall.Signal) func(*testing.T, *process, *namespace) {
		return func(t *testing.T, p *process, _ *namespace) { p.signal(t, s) }
	}
	for _, tt := range []struct {
		name   string
		serve  func(*namespace) *exec.Cmd
		end    func(*testing.T, *process, *namespace)
		status int
	}{
		{"SIGTERM", inNamespace, kill(syscall.SIGTERM), 0},
		{"kill -9", inNamespace, kill(syscall.SIGKILL), 128 + 9},
		{"the device is deleted", inNamespace, func(t *testing.T, _ *process, ns *namespace) {
			ipCommand(t, "-n", ns.name, "link", "delete", "strata0")
		}, 1},
		{"SIGTERM, rootless", rootless, kill(syscall.SIGTERM), 0},
		{"kill -9, rootless", rootless, kill(syscall.SIGKILL), 128 + 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			p := start(t, tt.serve(ns))
			pid, err := strconv.Atoi(p.await(t, "the command's pid", func(string) bool { return true }))
			require.NoError(t, err)
			tt.end(t, p, ns)
			require.Equal(t, tt.status, p.exit(t), p.stderr.tail())
			if tt.status < 128 {
				require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "the command was waited for")
			}
			// Of who was killed the kernel clears up behind our back.
			require.Eventually(t, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }, patience, 10*time.Millisecond)
			ns.requireBare(t)
		})
	}
}
