package capture

import (
	"fmt"
	"sync"
	"time"
)

const (
	spoolLimit = 16 << 20        // bytes that wait, beyond which packets are left out
	closeWait  = 2 * time.Second // for a target that does not take them
)

// spool is an io.Writer that never waits: it keeps what it gets until the
// target has taken it. Its user asks room first.
type spool struct {
	to   *target
	stop chan struct{} // closed by close
	more chan struct{} // holds a token when there is something to do
	done chan struct{} // closed as the writing goroutine ends; nil: it has not begun

	mu      sync.Mutex
	waiting []byte
	spare   []byte // the other buffer: one waits, one is written
	err     error  // the target's; nothing is kept after it
}

func newSpool(to *target) *spool {
	return &spool{to: to, stop: make(chan struct{}), more: make(chan struct{}, 1)}
}

// room reports whether less than limit bytes wait.
func (s *spool) room(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) < limit
}

func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.waiting = append(s.waiting, p...)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

// begin begins to write.
func (s *spool) begin() {
	s.done = make(chan struct{})
	go s.run()
}

func (s *spool) run() {
	defer close(s.done)
	err := s.drain()
	s.mu.Lock()
	s.err, s.waiting, s.spare = err, nil, nil
	s.mu.Unlock()
}

func (s *spool) drain() error {
	if err := s.to.await(s.stop); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		full := s.waiting
		s.waiting, s.spare = s.spare[:0], nil
		s.mu.Unlock()
		if len(full) > 0 {
			if _, err := s.to.file.Load().Write(full); err != nil {
				return err
			}
			s.mu.Lock()
			s.spare = full[:0]
			s.mu.Unlock()
			continue
		}
		select {
		case <-s.more:
		case <-s.stop:
			if s.empty() {
				return nil
			}
		}
	}
}

func (s *spool) empty() bool { return s.room(1) }

// close waits until all is written, but not for ever. Nothing may be written
// after it.
func (s *spool) close() error {
	close(s.stop)
	var err error
	if s.done != nil {
		late := time.NewTimer(closeWait)
		defer late.Stop()
		select {
		case <-s.done:
			s.mu.Lock()
			err = s.err
			s.mu.Unlock()
		case <-late.C:
			err = fmt.Errorf("write %s: it took nothing for %v; what still waited is lost", s.to.path, closeWait)
		}
	}
	return err
}
