package netnstests

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A terminal is a pseudo-terminal with a process on it, which leads its session.
type terminal struct {
	*os.File // our end: what is written to it was typed
	screen   *process
}

// onTerminal starts a command on a terminal of its own. What it shows is the
// process's standard output, a line at a time.
func onTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0))
	theirs, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	defer theirs.Close()

	p := &process{name: strings.Join(cmd.Args, " "), cmd: cmd, exited: make(chan struct{})}
	p.stdout.more, p.stderr.more = make(chan struct{}), make(chan struct{})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	go func() {
		_, _ = io.Copy(&p.stdout, ours) // ends with an error when nobody has the other end any more
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		ours.Close() // hangs up
		cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("the screen:\n%s", p.stdout.tail())
		}
	})
	return &terminal{ours, p}
}

// foreground is the process group that the terminal is for.
func (x *terminal) foreground(t *testing.T) int {
	t.Helper()
	pgrp, err := unix.IoctlGetInt(int(x.Fd()), unix.TIOCGPGRP)
	require.NoError(t, err)
	return pgrp
}

func (x *terminal) await(t *testing.T, text string) {
	t.Helper()
	x.screen.await(t, text, func(line string) bool { return strings.Contains(line, text) })
}

func (x *terminal) press(t *testing.T, keys string) {
	t.Helper()
	_, err := io.WriteString(x, keys)
	require.NoError(t, err)
}

// Without privilege there are two processes, and a shell sees one job: Ctrl-Z
// stops it, fg continues it, Ctrl-C ends it in order, and the terminal is the
// shell's again.
func TestRootlessOnATerminal(t *testing.T) {
	need(t, root, tunDevice, userNamespaces)
	x := onTerminal(t, asNobody(0o666, "sh", "-c", `
		set -m
		"$0" serve; echo "stopped $?"
		fg; echo "ended $?"
		read line; echo "heard $line"`, strata))
	x.await(t, "Ctrl-C ends.")
	job := x.foreground(t)
	x.press(t, "\x1a") // Ctrl-Z
	x.await(t, fmt.Sprint("stopped ", 128+int(syscall.SIGTSTP)))
	require.Eventually(t, func() bool { return x.foreground(t) == job }, patience, 10*time.Millisecond, "fg")
	x.press(t, "\x03") // Ctrl-C
	x.await(t, "ended 0")
	x.press(t, "hello\n")
	x.await(t, "heard hello")
}

// A shell without job control has one process group for all, itself included;
// after Ctrl-C it reads its terminal as before.
func TestRootlessGivesTheTerminalBack(t *testing.T) {
	need(t, root, tunDevice, userNamespaces)
	x := onTerminal(t, asNobody(0o666, "sh", "-c", `
		trap : INT
		"$0" serve; echo "ended $?"
		read line; echo "heard $line"`, strata))
	x.await(t, "Ctrl-C ends.")
	x.press(t, "\x03")
	x.await(t, "ended 0")
	x.press(t, "hello\n")
	x.await(t, "heard hello")
}

// On a terminal Ctrl-C is the command's: it, and not the server, decides what
// becomes of it, however often it comes.
func TestRootlessInterruptIsTheCommands(t *testing.T) {
	need(t, root, tunDevice, userNamespaces, program("curl"))
	x := onTerminal(t, asNobody(0o666, strata, "serve", "--quiet", "--", "sh", "-c", `
		n=0
		trap 'n=$((n+1)); echo "interrupted $n"' INT
		echo waiting
		while [ $n -lt 3 ]; do read line; done
		echo "inside: <$STRATA_ROOTLESS>"
		curl -sS -o /dev/null -w 'fetched %{http_code}\n' http://10.77.0.2/`))
	x.await(t, "waiting")
	for i := range 3 {
		x.press(t, "\x03")
		x.await(t, fmt.Sprint("interrupted ", i+1))
	}
	x.press(t, "\n") // some shells go on reading behind the trap
	x.await(t, "inside: <>")
	x.await(t, "fetched 200")
}
