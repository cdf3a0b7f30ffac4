package sweep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Journal is a file of outcomes, a line of JSON each, behind a line that says
// what sweep they are of.
type Journal struct {
	Head Head
	f    *os.File
	had  map[string]Outcome
}

// Head is the first line of a journal: what has to be the same for outcomes to be
// of the same sweep.
type Head struct {
	Command string `json:"command"`
	Build   string `json:"build"` // of the program: another may give other results
	Cells   int    `json:"cells"`
}

// OtherSweepError is that a journal is of another sweep.
type OtherSweepError struct {
	Path      string
	Has, Want Head
}

// Error says what is there.
func (e *OtherSweepError) Error() string {
	if e.Has.Command == e.Want.Command {
		return fmt.Sprintf("%s: begun by another build of this program; --overwrite begins anew, or name another folder", e.Path)
	}
	return fmt.Sprintf("%s: results of another command (%s); --overwrite replaces them, or name another folder", e.Path, e.Has.Command)
}

// OpenJournal opens the journal at path, or begins one. One that is of the same
// sweep and was interrupted goes on: [Journal.Had] has what is there. One that is
// whole, or all with overwrite, is begun anew; another sweep's is an
// *OtherSweepError.
func OpenJournal(path string, head Head, overwrite bool) (*Journal, error) {
	j := &Journal{Head: head, had: map[string]Outcome{}}
	var keep int64
	if !overwrite {
		var err error
		if keep, err = j.read(path); err != nil {
			return nil, err
		}
		if len(j.had) >= head.Cells {
			j.had, keep = map[string]Outcome{}, 0
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	j.f = f
	if err = f.Truncate(keep); err == nil {
		_, err = f.Seek(keep, io.SeekStart)
	}
	if err == nil && keep == 0 {
		err = j.line(head)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// read takes what is there, and gives how many bytes of it are whole lines: the
// last may have been cut off.
func (j *Journal) read(path string) (keep int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for first := true; ; first = false {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return keep, nil
		}
		if err != nil {
			return 0, err
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if first {
			var head Head
			if decoder.Decode(&head) != nil || head == (Head{}) {
				return 0, fmt.Errorf("%s: it is no journal of a sweep; --overwrite replaces it, or name another folder", path)
			}
			if head != j.Head {
				return 0, &OtherSweepError{Path: path, Has: head, Want: j.Head}
			}
		} else {
			var o Outcome
			if err := decoder.Decode(&o); err != nil {
				return 0, fmt.Errorf("%s: %w; --overwrite begins anew", path, err)
			}
			j.had[o.Cell.Key()] = o
		}
		keep += int64(len(line))
	}
}

// Had is the outcome of a cell that was there when the journal was opened.
func (j *Journal) Had(c Cell) (Outcome, bool) {
	o, ok := j.had[c.Key()]
	return o, ok
}

// Add writes an outcome.
func (j *Journal) Add(o Outcome) error { return j.line(o) }

func (j *Journal) line(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = j.f.Write(append(b, '\n'))
	}
	return err
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }
