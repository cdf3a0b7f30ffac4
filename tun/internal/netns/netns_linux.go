package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is where `ip netns add` keeps its names.
const Dir = "/run/netns"

// own is the namespace of the thread that opens it, not of the process: the
// two differ while a function of [Do] runs.
const own = "/proc/thread-self/ns/net"

// Open opens a namespace, given by its name under [Dir] or by a path (anything
// with a slash, as /proc/1234/ns/net). The caller closes it.
func Open(name string) (*os.File, error) {
	path := name
	if !strings.Contains(name, "/") {
		if name == "." || name == ".." {
			return nil, fmt.Errorf("network namespace %q: not a name", name)
		}
		path = filepath.Join(Dir, name)
	}
	// O_NONBLOCK: a path that is a FIFO must fail, not wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, fs.ErrNotExist) && path != name:
		return nil, fmt.Errorf("network namespace %q: there is no %s; `ip netns list` shows those there are, `ip netns add %s` makes it: %w", name, path, name, fs.ErrNotExist)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("network namespace %s: there is no such file: %w", name, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("network namespace %s: permission denied; run as root: %w", path, fs.ErrPermission)
	}
	return nil, fmt.Errorf("network namespace %s: %w", path, err)
}

// Do runs f on a thread that is inside the namespace name (as for [Open]), and
// returns what f returned. Empty: f runs where the caller is. f must not start
// goroutines that need the namespace: they would run on other threads.
func Do(name string, f func() error) error {
	if name == "" {
		return f()
	}
	target, err := Open(name)
	if err != nil {
		return err
	}
	defer target.Close()
	done := make(chan error, 1)
	go func() {
		err := errors.New("the function ended its goroutine") // runtime.Goexit: t.FailNow
		defer func() { done <- err }()
		runtime.LockOSThread()
		var home bool
		if home, err = inside(target, f); home {
			runtime.UnlockOSThread()
		}
		// A goroutine that ends while it is locked takes its thread with it: a
		// thread that could not go home must never run anything else.
	}()
	return <-done
}

// inside runs f on this very thread, moved into target and back. home reports
// whether the thread is where it was before.
func inside(target *os.File, f func() error) (home bool, err error) {
	back, err := os.Open(own)
	if err != nil {
		return true, fmt.Errorf("network namespace of this thread: %w", err)
	}
	defer back.Close()
	if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
		switch {
		case errors.Is(err, unix.EPERM):
			err = fmt.Errorf("enter network namespace %s: %w; run as root (it takes CAP_SYS_ADMIN)", target.Name(), err)
		case errors.Is(err, unix.EINVAL):
			err = fmt.Errorf("enter network namespace %s: that file is not a network namespace: %w", target.Name(), err)
		default:
			err = fmt.Errorf("enter network namespace %s: %w", target.Name(), err)
		}
		return true, err
	}
	defer func() { home = unix.Setns(int(back.Fd()), unix.CLONE_NEWNET) == nil }()
	return false, f()
}
