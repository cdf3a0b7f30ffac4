package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// target is what a capture is written to. Nothing that was there before is
// changed until begin.
type target struct {
	path    string
	file    atomic.Pointer[os.File] // nil: a FIFO that nobody reads yet
	created fs.FileInfo             // of the file that was made; nil: there was something at path
}

// openTarget opens what is at path, or makes a file there. It never waits: not
// for the reader of a FIFO either.
func openTarget(path string) (*target, error) {
	t := &target{path: path}
	const write = os.O_WRONLY | syscall.O_NONBLOCK
	file, err := os.OpenFile(path, write, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// Where we were the ones to make it, it is ours to remove.
		if file, err = os.OpenFile(path, write|os.O_CREATE|os.O_EXCL, 0o666); err == nil {
			t.created, err = file.Stat()
		}
		if errors.Is(err, fs.ErrExist) { // a link to nowhere, yet
			file, err = os.OpenFile(path, write|os.O_CREATE, 0o666)
		}
	}
	switch {
	case err == nil:
		t.file.Store(file)
	case errors.Is(err, syscall.ENXIO) && isFIFO(path): // no reader (fifo(7))
	default:
		return nil, err
	}
	return t, nil
}

func isFIFO(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == fs.ModeNamedPipe
}

// begin empties a file that was there before.
func (t *target) begin() error {
	file := t.file.Load()
	if file == nil {
		return nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return file.Truncate(0)
}

var errNobody = errors.New("nobody has read it")

// readerPoll is how often a FIFO is asked for a reader: the kernel tells of it
// only who blocks in open, for ever if need be.
const readerPoll = 50 * time.Millisecond

// await waits until there is somebody to write to, or stop is closed.
func (t *target) await(stop <-chan struct{}) error {
	for t.file.Load() == nil {
		file, err := os.OpenFile(t.path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			t.file.Store(file)
			return nil
		}
		if !errors.Is(err, syscall.ENXIO) {
			return err
		}
		select {
		case <-stop:
			return fmt.Errorf("%s: %w", t.path, errNobody)
		case <-time.After(readerPoll):
		}
	}
	return nil
}

// close also ends a write that waits for a reader.
func (t *target) close() error {
	if file := t.file.Load(); file != nil {
		return file.Close()
	}
	return nil
}

// remove removes the file, if it is ours and still there.
func (t *target) remove() {
	if t.created == nil {
		return
	}
	if there, err := os.Lstat(t.path); err == nil && os.SameFile(t.created, there) {
		_ = os.Remove(t.path)
	}
}
