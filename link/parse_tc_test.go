//go:build linux

package link

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// tcReads asks tc itself whether it reads a text as netem's options. It runs
// in a network namespace of its own, which ends with it. tc leaves with status
// 2 where it understood and only the kernel refused (that has no netem, say),
// otherwise it complains of the word.
func tcReads(t *testing.T, text string) bool {
	t.Helper()
	tc := exec.Command("tc", append(strings.Fields("qdisc replace dev lo root netem"), strings.Fields(text)...)...)
	tc.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	var stderr bytes.Buffer
	tc.Stderr = &stderr
	err := tc.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode() == 2
	}
	if err != nil {
		t.Skipf("cannot run tc in a network namespace: %v", err)
	}
	return true
}

// The tables of this package's tests are not our own idea of tc: it reads what
// they say it reads, and refuses what they say it refuses.
func TestParseShapeAgreesWithTC(t *testing.T) {
	if !tcReads(t, "delay 1ms") || tcReads(t, "nonsense 1ms") {
		t.Skip("this tc does not tell what it reads")
	}
	for _, r := range reads {
		if !r.ours {
			require.True(t, tcReads(t, r.text), "tc refuses %q", r.text)
		}
	}
	for _, r := range refusals {
		if !r.ours {
			require.False(t, tcReads(t, r.text), "tc reads %q", r.text)
		}
	}
}

// What String writes, tc reads (as long as tc has the words).
func TestStringIsForTC(t *testing.T) {
	if !tcReads(t, "delay 1ms") {
		t.Skip("this tc does not tell what it reads")
	}
	for _, r := range reads {
		if !r.ours {
			require.True(t, tcReads(t, r.shape.String()), "tc refuses %q", r.shape.String())
		}
	}
}
