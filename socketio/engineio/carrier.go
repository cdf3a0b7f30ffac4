package engineio

import (
	"context"
	"net"
	"net/http"

	"strata/trace"
	"strata/ws"
)

// carrier is a connection that carries a session, both ways, once it is more
// than long-polling: a WebSocket (websocket.go) or a byte stream (stream.go).
// Packets are written by one goroutine at a time.
type carrier interface {
	transport() Transport

	// read reads the next packet. An error is errPacket, or the
	// connection's.
	read(ctx context.Context) (packet, error)

	// write writes a packet; what is written in batch leaves together.
	write(p Outgoing) error
	batch(f func() error) error

	// tryWrite is a write that does not wait, and reports whether it was one.
	// tryBatch is that for many, which leave together; it says how many of
	// them, from the first on.
	tryWrite(p Outgoing) (bool, error)
	tryBatch(packets []Outgoing) int

	// close ends the connection after what was written has left, and does
	// not wait for that without bound. closeNow cuts it off.
	close(code ws.StatusCode)
	closeNow()

	// handle has the session receive what comes from now on, and told of the
	// end. It does not wait.
	handle(s *Session, flow trace.Flow)

	addrs() (local, remote net.Addr)
}

// flowOf is a carrier's connection for the trace.
func (t *tracer) flowOf(c carrier) trace.Flow {
	if t.rec == nil {
		return trace.Flow{}
	}
	return trace.FlowOf(c.addrs())
}

// carry has c, whose handshake was r, carry a session: a new one where session
// is nil, or one that wants to change to it. The caller has added one to running.
func (s *Server) carry(c carrier, r *http.Request, q query, session *Session) {
	if session != nil {
		go session.upgrade(c, s.trace.flowOf(c))
		return
	}
	session, err := s.openOn(c, r, q)
	if err == nil {
		session.mu.Lock()
		session.leave()
		session.mu.Unlock()
	}
	s.serveOn(c, session, err)
}

// openOn opens a session that c carries. What it begins with waits to be sent.
func (s *Server) openOn(c carrier, r *http.Request, q query) (*Session, error) {
	session, err := s.open(r, q, c.transport())
	if err != nil {
		return nil, err
	}
	session.mu.Lock()
	session.conn, session.flow = c, s.trace.flowOf(c)
	ended := session.state == closed
	session.mu.Unlock()
	if ended {
		c.closeNow() // who ended it had nothing to close
	}
	return session, nil
}

// serveOn has a session that openOn opened go on, or ends the connection of one
// that it could not open.
func (s *Server) serveOn(c carrier, session *Session, err error) {
	if err != nil {
		s.running.Done()
		c.close(ws.StatusTryAgainLater)
		return
	}
	session.accept()
	c.handle(session, session.Flow())
}
