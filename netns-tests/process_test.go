package netnstests

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait for something that is certain to come. It proves
// nothing about speed: two cores may run other tests at the same time.
const patience = 90 * time.Second

// A process is a child of the test, read line by line while it runs.
type process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it ended and its output was read
	err    error         // of Wait; after exited
	stdout transcript
	stderr transcript
	taken  int  // lines of stdout that await has gone past
	fine   bool // did what it should: not worth a word when the test fails
}

// start starts a command, and kills what is left of it when the test ends.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: strings.Join(cmd.Args, " "), cmd: cmd, exited: make(chan struct{})}
	p.stdout.more, p.stderr.more = make(chan struct{}), make(chan struct{})
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	// A group of its own, so that its children go with it; and it goes with the
	// test binary, should that be killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// A grandchild may hold the pipes open when the child is gone.
	cmd.WaitDelay = 5 * time.Second
	require.NoError(t, cmd.Start(), p.name)
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		if !p.gone() {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-p.exited
		}
		if t.Failed() && !p.fine {
			t.Logf("%s\n%v\nstandard output:\n%s\nstandard error:\n%s", p.name, cmd.ProcessState, p.stdout.tail(), p.stderr.tail())
		}
	})
	return p
}

// output runs a command to its end and gives its standard output. The test
// fails when the command does.
func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	p := start(t, cmd)
	require.Equal(t, 0, p.exit(t), "%s: %s", p.name, p.stderr.tail())
	p.fine = true
	return p.stdout.String()
}

// gone says whether the process has ended.
func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// exit waits for the end and gives the exit status; for a process that died of
// a signal, 128 and its number as a shell has it.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		require.FailNow(t, "does not end", p.name)
	}
	var failed *exec.ExitError
	if p.err != nil && !errors.As(p.err, &failed) {
		require.NoError(t, p.err, p.name)
	}
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// signal sends a signal to the process alone, as kill does.
func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s), p.name)
}

// await gives the next line of standard output that matches, past those that
// earlier calls have seen.
func (p *process) await(t testing.TB, what string, match func(line string) bool) string {
	t.Helper()
	late := time.After(patience)
	for {
		// The end is looked at before the lines: all were read when it is true.
		gone := p.gone()
		lines, more := p.stdout.since(p.taken)
		for _, line := range lines {
			p.taken++
			if match(line) {
				return line
			}
		}
		if gone {
			require.FailNowf(t, "ended early", "%s: no %s on its standard output; standard error: %s", p.name, what, p.stderr.tail())
		}
		select {
		case <-more:
		case <-p.exited:
		case <-late:
			require.FailNowf(t, "too late", "%s: no %s on its standard output", p.name, what)
		}
	}
}

// report gives the next JSON line of this kind.
func report[T any](t testing.TB, p *process, kind string) T {
	t.Helper()
	var out T
	line := p.await(t, kind, func(line string) bool { return kindOf(line) == kind })
	require.NoError(t, json.Unmarshal([]byte(line), &out), line)
	return out
}

// kindOf is the "kind" of a JSON line; empty when it has none.
func kindOf(line string) string {
	var head struct{ Kind string }
	if json.Unmarshal([]byte(line), &head) != nil {
		return ""
	}
	return head.Kind
}

// A transcript is what a process wrote, and who waits for more.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	ends []int         // where each whole line ends in text
	more chan struct{} // closed with the next line
}

// Write takes what the process wrote.
func (w *transcript) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	had := len(w.ends)
	for i, c := range b {
		if c == '\n' {
			w.ends = append(w.ends, w.text.Len()+i)
		}
	}
	w.text.Write(b)
	if len(w.ends) > had {
		close(w.more)
		w.more = make(chan struct{})
	}
	return len(b), nil
}

// since gives the whole lines from number n on, and a channel that is closed
// when there are more.
func (w *transcript) since(n int) (lines []string, more <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; n < len(w.ends); n++ {
		begin := 0
		if n > 0 {
			begin = w.ends[n-1] + 1
		}
		lines = append(lines, string(w.text.Bytes()[begin:w.ends[n]]))
	}
	return lines, w.more
}

// lines are all the whole lines so far.
func (w *transcript) lines() []string {
	lines, _ := w.since(0)
	return lines
}

// String is everything so far.
func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// tail is the end of it, for a message about a failure.
func (w *transcript) tail() string {
	const most = 4096
	s := w.String()
	if len(s) > most {
		s = "…" + s[len(s)-most:]
	}
	return s
}
