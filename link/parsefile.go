package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// openRegular opens a file that a shape names. A pipe or a device would block,
// or never end.
func openRegular(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	return os.Open(name)
}

// failFile blames w for err, if there is one; hint is for a file that does not
// exist, where something else may have been meant.
func (p *parser) failFile(w word, err error, hint string) {
	if err == nil || p.err != nil {
		return
	}
	reason := err.Error()
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathErr.Err.Error() // without the name, which the word is
		if errors.Is(err, fs.ErrNotExist) && hint != "" {
			reason = hint + ": " + reason
		}
	}
	p.fail(w, reason)
	p.err.Err = err
}

// eachLine calls f with each line of r and its number from 1. Its errors name
// the file and the line. It reads at most size bytes.
func eachLine(r io.Reader, name string, size int64, f func(line []byte) error) error {
	limited := &io.LimitedReader{R: r, N: size + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		n++
		if limited.N == 0 {
			break
		}
		if err := f(lines.Bytes()); err != nil {
			return fmt.Errorf("%s: line %d: %w", formatName(name), n, err)
		}
	}
	if limited.N == 0 {
		return fmt.Errorf("%s: larger than %d bytes", formatName(name), size)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: line %d: %w", formatName(name), n+1, err)
	}
	return nil
}
