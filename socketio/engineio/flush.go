package engineio

import (
	"errors"
	"net"
	"time"

	"strata/trace"
)

// burst is how soon after a message that was written at once the next is taken to
// be of the same burst: those wait for each other, and leave in one write.
const burst = 200 * time.Microsecond

// sendNow writes messages at once where nothing waits before them and the carrier
// does not have to either, which spares the goroutine that would. It returns those
// that are left. The caller has mu.
func (s *Session) sendNow(messages []Outgoing) []Outgoing {
	if s.conn == nil || s.flushing || s.queue.count > 0 || s.state != open {
		return messages
	}
	now := time.Now()
	if now.Sub(s.sentNow) < burst {
		return messages
	}
	for len(messages) > 0 {
		p := messages[0]
		sent, err := s.conn.tryWrite(p)
		if err != nil || !sent {
			return messages // flush finds the error again, and deals with it
		}
		s.sentNow = now
		s.server.trace.engine(trace.Out, s.flow, p.typ(), s.id, s.transport, p.dataLen())
		s.server.counters.packetsOut.Add(1)
		s.server.counters.bytesOut.Add(uint64(len(p.wire)))
		messages = messages[1:]
	}
	return nil
}

// leave writes what waits, where nobody has to wait for that; a goroutine does the
// rest. The caller has mu.
func (s *Session) leave() {
	s.held, s.posted = false, false
	if s.conn != nil && !s.flushing && s.state == open {
		n := s.conn.tryBatch(s.queue.packets)
		for _, p := range s.queue.packets[:n] {
			s.server.trace.engine(trace.Out, s.flow, p.typ(), s.id, s.transport, p.dataLen())
		}
		s.wrote(s.queue.packets[:n]...)
		s.queue.left(n)
	}
	if len(s.queue.packets) > 0 {
		s.kick()
	}
}

// sayNow writes what waits here and now, to a carrier that holds it and so does not
// have to wait.
func (s *Session) sayNow() {
	s.mu.Lock()
	if s.flushing || s.state != open {
		s.kick()
		s.mu.Unlock()
		return
	}
	s.flushing = true
	s.server.running.Add(1)
	s.mu.Unlock()
	s.flush()
}

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
