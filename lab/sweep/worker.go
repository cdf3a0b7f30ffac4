package sweep

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// worker is a worker process.
type worker struct {
	cmd   *exec.Cmd
	jobs  io.WriteCloser
	lines *bufio.Reader
	said  *tail
}

func startWorker(argv, env []string) (*worker, error) {
	w := &worker{cmd: exec.Command(argv[0], argv[1:]...), said: &tail{}}
	w.cmd.Env = append(os.Environ(), env...)
	w.cmd.Stderr = w.said
	var err error
	if w.jobs, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.lines = bufio.NewReaderSize(out, 1<<16)
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	return w, nil
}

// do gives the worker a job and waits for the answer. An error means that the
// worker is of no use any more; it is gone then.
func (w *worker) do(ctx context.Context, j Job, timeout time.Duration) (Answer, error) {
	late := false
	var mu sync.Mutex
	kill := func(because bool) {
		mu.Lock()
		defer mu.Unlock()
		late = late || because
		_ = w.cmd.Process.Kill()
	}
	stop := context.AfterFunc(ctx, func() { kill(false) })
	defer stop()
	timer := time.AfterFunc(timeout, func() { kill(true) })
	defer timer.Stop()
	var a Answer
	err := json.NewEncoder(w.jobs).Encode(j)
	if err == nil {
		var line []byte
		if line, err = w.lines.ReadBytes('\n'); err == nil {
			if err = json.Unmarshal(line, &a); err == nil {
				return a, nil
			}
		}
	}
	kill(false)
	ended := w.cmd.Wait()
	mu.Lock()
	defer mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return a, ctx.Err()
	case late:
		return a, fmt.Errorf("it took longer than %v", timeout)
	}
	if said := w.said.String(); said != "" {
		return a, fmt.Errorf("the worker died (%v): %s", ended, said)
	}
	return a, fmt.Errorf("the worker died (%v): %w", ended, err)
}

// close has the worker end.
func (w *worker) close() {
	_ = w.jobs.Close()
	_ = w.cmd.Wait()
}

// tail keeps the beginning of what a process says on standard error: of a Go
// program that dies, why.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), maxTail-len(t.text))]...)
	return len(p), nil
}

// String is the first line that says something.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(string(t.text)) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}
