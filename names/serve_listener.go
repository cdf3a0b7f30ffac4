package names

import (
	"container/list"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ServeListener answers queries that come over connections (RFC 7766), several
// on each where the client likes to, until Close (then it returns
// ErrServerClosed) or until accepting fails for good. It closes l.
func (s *Server) ServeListener(l net.Listener) error {
	defer l.Close()
	if !s.start(func() { s.listeners[&l] = true }) {
		return ErrServerClosed
	}
	defer s.running.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, &l)
	}()

	const shortest, longest = 5 * time.Millisecond, time.Second
	for wait := shortest; ; {
		c, err := l.Accept()
		switch {
		case err == nil:
			wait = shortest
			s.accept(c)
		case s.isClosed():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("name server for %s: %w", s.zone, err)
		default: // too many open files, a connection that was reset already, …
			s.config.Logf("name server for %s: %v; trying again in %v", s.zone, err, wait)
			s.pause(wait)
			wait = min(2*wait, longest)
		}
	}
}

// accept serves a connection on a goroutine of its own.
func (s *Server) accept(c net.Conn) {
	var e, oldest *list.Element
	if !s.start(func() {
		if e = s.conns.PushBack(c); s.conns.Len() > s.config.MaxConns {
			oldest = s.conns.Front()
			s.conns.Remove(oldest)
		}
	}) {
		c.Close()
		return
	}
	if oldest != nil {
		oldest.Value.(net.Conn).Close() // and so its goroutine ends
	}
	go func() {
		defer s.running.Done()
		defer func() {
			c.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conns.Remove(e) // nothing, if another one took its place
		}()
		s.serve(c, e)
	}()
}

// serve answers what comes over c, until it has been silent for too long, or
// says what makes no sense.
func (s *Server) serve(c net.Conn, e *list.Element) {
	buf := make([]byte, 2+maxQuery)
	for s.expect(c) {
		if _, err := io.ReadFull(c, buf[:2]); err != nil {
			return
		}
		size := int(binary.BigEndian.Uint16(buf))
		if size > maxQuery {
			return
		}
		if _, err := io.ReadFull(c, buf[2:2+size]); err != nil {
			return
		}
		s.heard(e) // before the answer: who has that counts on it
		answer := s.answer(buf[2:2+size], overTCP)
		if answer == nil {
			return
		}
		if c.SetWriteDeadline(s.config.Loop.Now().Add(s.config.IdleTimeout)) != nil {
			return
		}
		// In one write: a length that travels alone costs a segment.
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// expect sets the time for the next query; false where none is wanted any more.
// Under the lock, so that it does not undo the deadline that Close sets.
func (s *Server) expect(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	return c.SetReadDeadline(s.config.Loop.Now().Add(s.config.IdleTimeout)) == nil
}

// heard notes that a connection is not silent.
func (s *Server) heard(e *list.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns.MoveToBack(e) // nothing, if another one took its place
}
