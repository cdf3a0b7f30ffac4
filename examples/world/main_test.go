package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A world runs in a program that is no test, and the same twice.
func TestWorldOutsideOfTests(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "world")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	first, err := exec.Command(bin).Output()
	require.NoError(t, err)
	require.Contains(t, string(first), "loss 0%: SYN +0s, SYN-ACK +100ms, ACK +100ms", "twice 50 ms, to the nanosecond")
	again, err := exec.Command(bin).Output()
	require.NoError(t, err)
	require.Equal(t, string(first), string(again))
}
