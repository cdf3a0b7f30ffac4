package netns_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"strata/tun/internal/netns"
	"strata/tun/internal/nstest"
)

// here is the namespace of the thread it runs on.
func here() (string, error) { return os.Readlink("/proc/thread-self/ns/net") }

func TestDoRunsInsideAndComesBack(t *testing.T) {
	name := nstest.New(t)
	outside, err := here()
	require.NoError(t, err)

	// By name and by path it is the same namespace, and not ours.
	var byName, byPath string
	require.NoError(t, netns.Do(name, func() (err error) { byName, err = here(); return err }))
	require.NoError(t, netns.Do(filepath.Join(netns.Dir, name), func() (err error) { byPath, err = here(); return err }))
	require.NotEqual(t, outside, byName)
	require.Equal(t, byName, byPath)

	// The process has not moved, however often that happens.
	for range 50 {
		require.NoError(t, netns.Do(name, func() error { return nil }))
	}
	task, err := filepath.Glob("/proc/self/task/*/ns/net")
	require.NoError(t, err)
	for _, path := range task {
		if ns, err := os.Readlink(path); err == nil { // the thread may have ended since
			require.Equal(t, outside, ns, "a thread was left behind in the namespace")
		}
	}

	// What the function returns comes back as it is.
	want := errors.New("mine")
	require.Equal(t, want, netns.Do(name, func() error { return want }))
}

func TestDoWithoutANameStaysHere(t *testing.T) {
	outside, err := here()
	require.NoError(t, err)
	ran := false
	require.NoError(t, netns.Do("", func() error {
		ran = true
		inside, err := here()
		require.Equal(t, outside, inside)
		return err
	}))
	require.True(t, ran)
}

// A function that ends its goroutine (as t.FailNow does) must not leave the
// caller waiting for ever.
func TestDoReturnsWhenTheFunctionEndsItsGoroutine(t *testing.T) {
	name := nstest.New(t)
	require.ErrorContains(t, netns.Do(name, func() error { runtime.Goexit(); return nil }), "ended its goroutine")
}

func TestDoSaysWhatIsWrongWithTheName(t *testing.T) {
	err := netns.Do("no-such-namespace", nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "ip netns add no-such-namespace")

	err = netns.Do("/no/such/file", nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotContains(t, err.Error(), "ip netns", "a path is nothing that ip netns could make")

	require.ErrorContains(t, netns.Do("..", nil), "not a name")

	// Files that are no namespace, among them one whose opening would wait.
	plain := filepath.Join(t.TempDir(), "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o600))
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	for _, path := range []string{plain, fifo} {
		err := netns.Do(path, nil)
		if os.Geteuid() == 0 {
			require.ErrorIs(t, err, unix.EINVAL)
			require.ErrorContains(t, err, "not a network namespace")
		} else {
			require.Error(t, err)
		}
	}
}
