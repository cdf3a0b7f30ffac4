package engineio

import (
	"errors"
	"net"

	"strata/trace"
)

// flush writes what waits to the session's carrier. There is at most one
// goroutine a session that does, and only while something waits.
func (s *Session) flush() {
	defer s.server.running.Done()
	for {
		s.mu.Lock()
		if s.state == closed {
			s.mu.Unlock()
			return
		}
		conn, flow := s.conn, s.flow
		batch := s.queue.take()
		if len(batch) == 0 {
			s.flushing = false
			last, code := s.state == closing, s.closeCode
			s.mu.Unlock()
			if last {
				s.markEnded(ForcedClose, nil)
				conn.close(code)
			}
			return
		}
		s.mu.Unlock()
		if err := s.write(conn, flow, batch); err != nil {
			// Where the connection has ended, the reader knows better why,
			// and says so.
			if !errors.Is(err, net.ErrClosed) {
				s.end(TransportClose, err)
			}
			return
		}
		s.mu.Lock()
		s.queue.reuse(batch)
		s.mu.Unlock()
	}
}

// write writes packets to the session's carrier.
func (s *Session) write(conn carrier, flow trace.Flow, batch []Outgoing) error {
	if len(batch) == 1 {
		return s.writeOne(conn, flow, batch[0])
	}
	return conn.batch(func() error {
		for _, p := range batch {
			if err := s.writeOne(conn, flow, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Session) writeOne(conn carrier, flow trace.Flow, p Outgoing) error {
	s.server.trace.engine(trace.Out, flow, p.typ(), s.id, conn.transport(), p.dataLen())
	if err := conn.write(p); err != nil {
		return err
	}
	s.mu.Lock()
	s.wrote(p)
	s.mu.Unlock()
	return nil
}
