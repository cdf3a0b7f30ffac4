package ladder

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// closeWait is how long Close waits for a writer that does not take its bytes.
const closeWait = 2 * time.Second

// sink writes records (one or more whole lines) to w, never in the way of who
// hands them in, or whole: then who hands them in writes.
type sink struct {
	w     io.Writer
	whole bool
	limit int                // bytes that may wait
	gone  func(n int) []byte // the record that stands for n that were left out

	mu      sync.Mutex
	waiting []byte
	spare   []byte        // the other buffer: one waits, one is written
	left    int           // records left out since the last that was taken
	drained chan struct{} // closed by the writing goroutine as it ends; nil: there is none
	closed  bool
	err     error // the first of w; nothing is written after it
}

// put hands in a record; the bytes are copied.
func (s *sink) put(record []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.err != nil {
		return
	}
	if s.whole {
		_, s.err = s.w.Write(record)
		return
	}
	if s.left > 0 {
		s.waiting = s.noteLeft(s.waiting, len(record))
	}
	if s.left > 0 || len(s.waiting)+len(record) > s.limit {
		s.left++
		return
	}
	s.waiting = append(s.waiting, record...)
	if s.drained == nil {
		s.drained = make(chan struct{})
		go s.drain(s.drained)
	}
}

// skip counts a record that could not be made.
func (s *sink) skip() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left++
}

// noteLeft appends to b what stands for the records left out, where that and
// room more bytes fit.
func (s *sink) noteLeft(b []byte, room int) []byte {
	note := s.gone(s.left)
	if len(b)+len(note)+room <= s.limit {
		b = append(b, note...)
		s.left = 0
	}
	return b
}

// drain writes until nothing waits.
func (s *sink) drain(done chan struct{}) {
	defer close(done)
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil {
		if len(s.waiting) == 0 && s.left > 0 {
			s.waiting = s.noteLeft(s.waiting, 0)
		}
		if len(s.waiting) == 0 {
			break
		}
		full := s.waiting
		s.waiting, s.spare = s.spare[:0], nil
		s.mu.Unlock()
		n, err := s.w.Write(full)
		if err == nil && n < len(full) {
			err = io.ErrShortWrite
		}
		s.mu.Lock()
		s.spare, s.err = full[:0], err
	}
	s.drained = nil
}

// close waits until all is written, but not for ever, and gives the first
// error.
func (s *sink) close() error {
	s.mu.Lock()
	s.closed = true
	drained := s.drained
	s.mu.Unlock()
	if drained != nil {
		timer := time.NewTimer(closeWait)
		defer timer.Stop()
		select {
		case <-drained:
		case <-timer.C:
			return fmt.Errorf("ladder: the output took nothing for %v; what still waited is lost", closeWait)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return fmt.Errorf("ladder: %w", s.err)
	}
	return nil
}
