package names

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// maxQuery bounds a query, in bytes: a name, a type, and some options.
const maxQuery = 4096

// maxFailures is how many reads, one after the other, may fail before a packet
// connection is given up.
const maxFailures = 10

// writeTimeout bounds the wait for room in the send buffer, during which no
// other query is answered.
const writeTimeout = time.Second

// ServePacket answers queries that come as datagrams, one after the other,
// until Close (then it returns ErrServerClosed) or until reading fails. It
// closes pc.
func (s *Server) ServePacket(pc net.PacketConn) error {
	defer pc.Close()
	if !s.start(func() { s.packets[&pc] = true }) {
		return ErrServerClosed
	}
	defer s.running.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.packets, &pc)
	}()

	buf := make([]byte, maxQuery)
	for failures := 0; ; {
		n, from, err := pc.ReadFrom(buf)
		switch {
		case s.isClosed():
			return ErrServerClosed
		case err == nil:
			failures = 0
		default:
			// Some systems report here what became of an earlier answer.
			if failures++; failures == maxFailures || errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("name server for %s: %w", s.zone, err)
			}
			continue
		}
		answer := s.answer(buf[:n], overUDP)
		if answer == nil {
			continue
		}
		if err = pc.SetWriteDeadline(s.config.Loop.Now().Add(writeTimeout)); err == nil {
			_, err = pc.WriteTo(answer, from)
		}
		if err != nil {
			s.config.Logf("name server for %s: answer to %v: %v", s.zone, from, err)
		}
	}
}
